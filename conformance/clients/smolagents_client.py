# /// script
# requires-python = ">=3.11"
# dependencies = ["smolagents[openai]"]
# ///
"""smolagents: content in parts."""

import os

from smolagents import ChatMessage, OpenAIModel

model = OpenAIModel(model_id="gpt-4o-mini", api_base=os.environ["OPENAI_BASE_URL"], api_key="none")
asked = ChatMessage(role="user", content=[{"type": "text", "text": "hi"}])
assert model.generate([asked]).content == os.environ["EXPECTED"]
