# /// script
# requires-python = ">=3.11"
# dependencies = ["openai>=2"]
# ///
"""Azure's client of OpenAI for Python, with its own paths."""

import os

from openai import AzureOpenAI

client = AzureOpenAI(
    azure_endpoint=os.environ["OPENAI_BASE_URL"].removesuffix("/v1"), api_key="none", api_version="2024-10-21"
)
reply = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
assert reply.choices[0].message.content == os.environ["EXPECTED"]
