# /// script
# requires-python = ">=3.11"
# dependencies = ["openai[aiohttp,realtime]>=2", "httpx-aiohttp"]
# ///
"""OpenAI for Python: chat, responses, streams, embeddings, models, uploads, sound, asynchronous and over aiohttp."""

import asyncio
import os

from openai import AsyncOpenAI, DefaultAioHttpClient, OpenAI

MODEL, EXPECTED = "gpt-4o-mini", os.environ["EXPECTED"]
ASKED = [{"role": "user", "content": "What did I tell you about Zoë?"}]

client = OpenAI()
raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ASKED)
assert raw.headers["x-request-id"]
assert raw.headers["x-ratelimit-remaining-requests"]
assert raw.parse().choices[0].message.content == EXPECTED
chunks = list(
    client.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, n=2, stream_options={"include_usage": True}
    )
)
assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}
assert chunks[-1].usage.total_tokens
assert client.responses.create(model=MODEL, input="hi").output_text == EXPECTED
with client.responses.stream(model=MODEL, input="hi") as stream:
    assert stream.get_final_response().output_text == EXPECTED
with client.responses.connect() as connection:
    connection.response.create(model=MODEL, input="hi")
    for event in connection:
        if event.type == "response.completed":
            assert event.response.output_text == EXPECTED
            break
assert len(client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data) == 2
assert client.models.list().data
assert client.files.create(file=("a.jsonl", b"{}\n" * 50_000), purpose="batch").bytes > 150_000
assert len(client.audio.speech.create(model="tts-1", voice="alloy", input="hi").read()) == 16_384


async def awaited() -> None:
    async with AsyncOpenAI(http_client=DefaultAioHttpClient()) as asynchronous:
        calls = [asynchronous.chat.completions.create(model=MODEL, messages=ASKED) for _ in range(50)]
        for reply in await asyncio.gather(*calls):
            assert reply.choices[0].message.content == EXPECTED


asyncio.run(awaited())
