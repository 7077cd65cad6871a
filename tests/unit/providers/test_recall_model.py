from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from recollect.errors import InvalidRequestError
from recollect.providers.recall_model import DISCLAIMER, NOTHING, RecallModel
from recollect.wire.sse import SseDecoder

MODEL = RecallModel(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), new_id=lambda: "abc")
QUOTES = ["I love hiking,\n  above all in the Alps.", "My name is Alice."]
DIALECTS = ["chat/completions", "responses", "completions", "messages"]


async def answer(dialect, *, is_streamed=False, quotes=QUOTES, **named):
    reply = MODEL.answer(
        dialect, model="recollect/recall", is_streamed=is_streamed, quotes=quotes, question="What do I love?", **named
    )
    assert reply.status == 200
    return dict(reply.headers), [chunk async for chunk in reply.chunks()]


async def events(dialect, **named):
    headers, chunks = await answer(dialect, is_streamed=True, **named)
    assert headers[b"content-type"].startswith(b"text/event-stream")
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def strictly(kind, data):
    return TypeAdapter(kind).validate_python(orjson.loads(data), strict=False)


async def test_a_chat_completion():
    headers, (body,) = await answer("chat/completions")
    completion = strictly(ChatCompletion, body)
    assert headers[b"content-type"] == b"application/json"
    assert (completion.id, completion.model) == ("chatcmpl-abc", "recollect/recall")
    assert completion.created == 1767225600
    text = completion.choices[0].message.content
    assert "“I love hiking, above all in the Alps.”" in text
    assert "“My name is Alice.”" in text
    assert text.endswith(DISCLAIMER)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


async def test_a_streamed_chat_completion_says_the_same():
    *chunks, last = await events("chat/completions")
    parsed = [strictly(ChatCompletionChunk, event.data) for event in chunks]
    assert last.data == "[DONE]"
    assert parsed[0].choices[0].delta.role == "assistant"
    assert parsed[-1].choices[0].finish_reason == "stop"
    whole = strictly(ChatCompletion, (await answer("chat/completions"))[1][0])
    text = "".join(chunk.choices[0].delta.content or "" for chunk in parsed)
    assert text == whole.choices[0].message.content


async def test_usage_is_streamed_only_where_it_was_asked_for():
    asked = [orjson.loads(event.data) for event in (await events("chat/completions", includes_usage=True))[:-1]]
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["total_tokens"] > 0
    assert all(chunk["choices"] for chunk in asked[:-1])
    assert all("usage" not in event.data for event in await events("chat/completions"))


async def test_a_response():
    _, (body,) = await answer("responses")
    response = strictly(Response, body)
    assert response.status == "completed"
    assert "“My name is Alice.”" in response.output_text
    assert response.usage.output_tokens > 0


async def test_a_streamed_response_says_the_same():
    found = await events("responses")
    parsed = [strictly(ResponseStreamEvent, event.data) for event in found]
    assert [event.event for event in found] == [event.type for event in parsed]
    assert [event.sequence_number for event in parsed] == list(range(len(parsed)))
    assert parsed[0].type == "response.created"
    assert parsed[-1].type == "response.completed"
    text = "".join(event.delta for event in parsed if event.type == "response.output_text.delta")
    assert text == parsed[-1].response.output_text == strictly(Response, (await answer("responses"))[1][0]).output_text


async def test_a_completion_streamed_or_not():
    whole = strictly(Completion, (await answer("completions"))[1][0])
    *chunks, last = await events("completions")
    assert last.data == "[DONE]"
    parsed = [orjson.loads(event.data) for event in chunks]
    assert "".join(chunk["choices"][0]["text"] for chunk in parsed) == whole.choices[0].text
    assert [chunk["choices"][0]["finish_reason"] for chunk in parsed] == [*[None] * (len(parsed) - 1), "stop"]
    assert strictly(Completion, chunks[-1].data).object == "text_completion"


async def test_a_message_streamed_or_not():
    whole = strictly(Message, (await answer("messages"))[1][0])
    assert (whole.id, whole.stop_reason) == ("msg_abc", "end_turn")
    assert whole.content[0].text.endswith(DISCLAIMER)
    streamed = await events("messages")
    parsed = [strictly(RawMessageStreamEvent, event.data) for event in streamed]
    assert [event.event for event in streamed] == [event.type for event in parsed]
    assert "".join(event.delta.text for event in parsed if event.type == "content_block_delta") == whole.content[0].text
    assert parsed[-2].usage.output_tokens == whole.usage.output_tokens


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_without_memories_it_says_so(dialect):
    _, (body,) = await answer(dialect, quotes=[])
    assert NOTHING.encode() in body
    assert "“".encode() not in body


async def test_long_and_many_quotes_are_bounded():
    _, (body,) = await answer("completions", quotes=["word " * 1000] * 50)
    assert len(body) < 5000


async def test_other_endpoints_are_refused():
    with pytest.raises(InvalidRequestError) as caught:
        await answer("embeddings")
    assert caught.value.code == "unsupported_dialect"


@pytest.mark.parametrize(
    ("model", "serves"),
    [
        ("recollect/recall", True),
        ("Recollect/Recall", True),
        ("recall", False),
        ("openai/gpt-4o", False),
        (None, False),
    ],
)
def test_which_names_it_serves(model, serves):
    assert MODEL.serves(model) is serves


async def test_a_reply_that_was_closed_has_no_more_chunks():
    reply = MODEL.answer("chat/completions", model="m", is_streamed=True, quotes=QUOTES, question="")
    await reply.close()
    assert [chunk async for chunk in reply.chunks()] == []
