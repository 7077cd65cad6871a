# /// script
# requires-python = ">=3.11"
# dependencies = ["mem0ai"]
# ///
"""Mem0's own client of a model."""

import os

from mem0.configs.llms.openai import OpenAIConfig
from mem0.llms.openai import OpenAILLM

model = OpenAILLM(OpenAIConfig(model="gpt-4o-mini", api_key="none", openai_base_url=os.environ["OPENAI_BASE_URL"]))
assert model.generate_response([{"role": "user", "content": "hi"}]) == os.environ["EXPECTED"]
