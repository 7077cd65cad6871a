# /// script
# requires-python = ">=3.11"
# dependencies = ["litellm", "mcp", "fastapi", "orjson"]
# ///
"""LiteLLM as a client."""

import os

import litellm

ASKED = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
EXPECTED = os.environ["EXPECTED"]

assert litellm.completion(**ASKED).choices[0].message.content == EXPECTED
pieces = [chunk.choices[0].delta.content or "" for chunk in litellm.completion(**ASKED, stream=True) if chunk.choices]
assert "".join(pieces) == EXPECTED
assert litellm.responses(model="openai/gpt-4o-mini", input="hi").output
