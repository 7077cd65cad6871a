# /// script
# requires-python = ">=3.11"
# dependencies = ["pydantic-ai-slim[openai]"]
# ///
"""Pydantic AI: both of OpenAI's interfaces."""

import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

for kind in (OpenAIChatModel, OpenAIResponsesModel):
    agent = Agent(kind("gpt-4o-mini", provider=OpenAIProvider(base_url=os.environ["OPENAI_BASE_URL"], api_key="none")))
    assert agent.run_sync("hi").output == os.environ["EXPECTED"]
