# /// script
# requires-python = ">=3.11"
# dependencies = ["dspy", "mcp", "fastapi", "orjson"]
# ///
"""DSPy."""

import os

import dspy

model = dspy.LM("openai/gpt-4o-mini", api_base=os.environ["OPENAI_BASE_URL"], api_key="none", cache=False)
assert str(model("hi")[0]).count(os.environ["EXPECTED"]) == 1
