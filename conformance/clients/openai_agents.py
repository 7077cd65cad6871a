# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents"]
# ///
"""OpenAI's Agents SDK: both interfaces, whole and in a stream."""

import asyncio
import os

from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
from openai import AsyncOpenAI

set_tracing_disabled(disabled=True)


async def main() -> None:
    for kind in (OpenAIChatCompletionsModel, OpenAIResponsesModel):
        agent = Agent(name="a", instructions="Be brief.", model=kind(model="gpt-4o-mini", openai_client=AsyncOpenAI()))
        assert (await Runner.run(agent, "hi")).final_output == os.environ["EXPECTED"]
        streamed = Runner.run_streamed(agent, "hi")
        async for _ in streamed.stream_events():
            pass
        assert streamed.final_output == os.environ["EXPECTED"]


asyncio.run(main())
