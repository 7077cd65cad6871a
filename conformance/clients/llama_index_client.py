# /// script
# requires-python = ">=3.11"
# dependencies = ["llama-index-llms-openai-like"]
# ///
"""LlamaIndex."""

import os

from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(model="gpt-4o-mini", api_base=os.environ["OPENAI_BASE_URL"], api_key="none", is_chat_model=True)
assert str(model.complete("hi")) == os.environ["EXPECTED"]
assert [str(part) for part in model.stream_complete("hi")][-1] == os.environ["EXPECTED"]
