"""The bridge, as OpenAI's SDK sees it: SDK → bridge → a provider that speaks Anthropic's Messages API."""

from __future__ import annotations

from itertools import pairwise

import openai
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from recollect.errors import InvalidRequestError, UpstreamBrokenError
from recollect.providers.anthropic.reply import to_chat_completion
from recollect.providers.anthropic.stream import ChatStream
from recollect.providers.base import UpstreamRequest
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.http_upstream import HttpUpstream
from recollect.providers.registry import load_registry, with_overrides
from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall
from recollect.wire.sse import SseDecoder
from tests.unit.providers.bridged import sdk_through
from tests.unit.providers.fakes import read

HELLO = [{"role": "user", "content": "hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text="Hello there, Alice.")) as running:
        yield running


@pytest.fixture
async def upstream(provider):
    registry = with_overrides(load_registry(), {"anthropic": {"base_url": provider.base_url}})
    running = BridgingUpstream(HttpUpstream(), bridges_of(registry.values()))
    yield running
    await running.close()


@pytest.fixture
async def client(provider, upstream):
    async with sdk_through(upstream, provider) as made:
        yield made


async def test_a_question_and_its_answer(client, provider):
    completion = await client.chat.completions.create(model="claude-opus-4-6", messages=HELLO)
    assert completion.choices[0].message.content == "Hello there, Alice."
    assert completion.choices[0].finish_reason == "stop"
    assert completion.id == "msg_scripted_1"
    assert (completion.usage.prompt_tokens, completion.usage.prompt_tokens_details.cached_tokens) == (16, 4)
    assert provider.last.path == "/v1/messages"
    assert provider.last.header("x-api-key") == "sk-ant-1"
    assert provider.last.header("anthropic-version") == "2023-06-01"
    assert provider.last.header("authorization") is None
    assert provider.last.json()["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]


async def test_a_stream(client, provider):
    provider.script = Script(text="Hello there, Alice.", pieces=4, delay_s=0.002)
    stream = await client.chat.completions.create(
        model="claude-opus-4-6", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(text or "" for text in texts) == "Hello there, Alice."
    assert len(texts) > 4
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.prompt_tokens == 16
    assert chunks[-1].usage.completion_tokens == 3


async def test_tool_calls_streamed_or_not(client, provider):
    calls = (ToolCall("weather", '{"city": "Oslo"}', "c1"), ToolCall("weather", '{"city": "Rome"}', "c2"))
    provider.script = Script(text="Looking.", tool_calls=calls)
    ask = {"model": "claude-opus-4-6", "messages": HELLO, "tools": [WEATHER]}
    whole = (await client.chat.completions.create(**ask)).choices[0]
    async with client.chat.completions.stream(**ask) as stream:
        streamed = (await stream.get_final_completion()).choices[0]
    for choice in (whole, streamed):
        found = [
            (call.id, call.function.name, orjson.loads(call.function.arguments)) for call in choice.message.tool_calls
        ]
        assert found == [("c1", "weather", {"city": "Oslo"}), ("c2", "weather", {"city": "Rome"})]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "Looking."


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, openai.BadRequestError, "invalid_request_error"),
        (401, openai.AuthenticationError, "authentication_error"),
        (404, openai.NotFoundError, "not_found_error"),
        (429, openai.RateLimitError, "rate_limit_error"),
        (529, openai.InternalServerError, "overloaded_error"),
    ],
)
async def test_errors_are_the_sdks_own(client, provider, status, error, code):
    provider.script = Script(status=status, headers=(("Retry-After", "3"), ("Request-Id", "req_9")))
    with pytest.raises(error) as caught:
        await client.chat.completions.create(model="claude-opus-4-6", messages=HELLO, stream=True)
    assert caught.value.body == {"message": f"scripted {status}", "type": code, "param": None, "code": code}
    assert caught.value.response.headers["retry-after"] == "3"
    assert caught.value.response.headers["x-request-id"] == "req_9"


async def test_what_cannot_be_said_is_a_bad_request(client, provider):
    with pytest.raises(openai.BadRequestError, match="n must be 1"):
        await client.chat.completions.create(model="claude-opus-4-6", messages=HELLO, n=2)
    assert provider.requests == []


def request(provider, body, **named):
    return UpstreamRequest("POST", provider.base_url + "/chat/completions", (), body, **named)


CHAT = orjson.dumps({"model": "claude-opus-4-6", "messages": HELLO})
STREAMED = orjson.dumps({"model": "claude-opus-4-6", "messages": HELLO, "stream": True})


async def test_other_urls_and_forwarded_requests_go_straight(upstream, provider):
    await read(await upstream.send(UpstreamRequest("GET", provider.base_url + "/models", ())))
    assert provider.last.path == "/v1/models"
    pinned = BridgingUpstream(FakeStraight(), upstream.bridges)
    assert await pinned.send(request(provider, CHAT, is_pinned=True)) == "straight"


class FakeStraight:
    async def send(self, request):
        return "straight"


async def test_a_stream_that_breaks_is_one_that_broke(upstream, provider):
    provider.script = Script(cut_after=3)
    reply = await upstream.send(request(provider, STREAMED))
    with pytest.raises(UpstreamBrokenError):
        await read(reply)
    await reply.close()


async def test_a_stream_that_ends_without_its_end_is_broken(upstream, provider):
    provider.script = Script(raw=b'event: ping\ndata: {"type": "ping"}\n\n', content_type="text/event-stream")
    with pytest.raises(UpstreamBrokenError, match="in the middle"):
        await read(await upstream.send(request(provider, STREAMED)))


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_unasked_compression_is_undone(upstream, provider, encoding):
    provider.script = Script(text="Hi.", pieces=1, encoding=encoding)
    for body in (CHAT, STREAMED):
        reply = await upstream.send(request(provider, body))
        assert b"Hi." in await read(reply)
        assert b"content-encoding" not in dict(reply.headers)
    assert provider.last.header("accept-encoding") == "identity"


async def test_what_is_not_json_passes(upstream, provider):
    provider.script = Script(raw=b"<html>bad gateway</html>", content_type="text/html", status=502)
    reply = await upstream.send(request(provider, CHAT))
    assert (reply.status, await read(reply)) == (502, b"<html>bad gateway</html>")
    assert dict(reply.headers)[b"content-type"] == b"text/html"


@pytest.mark.parametrize("body", [b"{", b"[]", None])
async def test_a_body_that_is_no_object(upstream, provider, body):
    with pytest.raises(InvalidRequestError) as caught:
        await upstream.send(request(provider, body))
    assert caught.value.code == "invalid_json"


THINKING = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [
        {"type": "thinking", "thinking": "Hm, ", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "Oslo is"},
        {"type": "text", "text": " cold."},
    ],
    "stop_reason": "max_tokens",
    "usage": {"input_tokens": 5, "output_tokens": 7},
}


def test_thoughts_are_kept_for_the_next_turn():
    made = to_chat_completion(THINKING, 7)
    message = made["choices"][0]["message"]
    assert message["content"] == "Oslo is cold."
    assert message["reasoning_content"] == "Hm, "
    assert message["thinking_blocks"] == THINKING["content"][:2]
    assert made["choices"][0]["finish_reason"] == "length"
    assert ChatCompletion.model_validate(made, strict=False).created == 7


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("refusal", "content_filter"),
        ("a new one", "stop"),
        (None, "stop"),
    ],
)
def test_why_it_ended(stop_reason, finish_reason):
    made = to_chat_completion({**THINKING, "stop_reason": stop_reason}, 7)
    assert made["choices"][0]["finish_reason"] == finish_reason


def sse(*events):
    return b"".join(b"event: %s\ndata: %s\n\n" % (event["type"].encode(), orjson.dumps(event)) for event in events)


def block(index, start, *deltas):
    return (
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    )


RECORDED = sse(
    {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "ping"},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hm, "},
        {"type": "thinking_delta", "thinking": "näh."},
        {"type": "signature_delta", "signature": "sig"},
    ),
    *block(
        1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Öslo "}, {"type": "text_delta", "text": "✓"}
    ),
    *block(
        2,
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"a"'},
        {"type": "input_json_delta", "partial_json": ": 1}"},
    ),
    {"type": "a_new_event"},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
)


def chunks_of(data):
    return [event.data for event in SseDecoder().feed(data)]


def test_a_recorded_stream():
    stream = ChatStream(7, includes_usage=True)
    made = stream.feed(RECORDED)
    *chunks, done = chunks_of(made)
    assert (done, stream.is_finished, made.count(b": ping\n\n")) == ("[DONE]", True, 1)
    parsed = [ChatCompletionChunk.model_validate(orjson.loads(chunk)) for chunk in chunks]
    deltas = [orjson.loads(chunk)["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Öslo ✓"
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Hm, näh."
    thoughts = [delta["thinking_blocks"] for delta in deltas if "thinking_blocks" in delta]
    assert thoughts == [[{"type": "thinking", "thinking": "Hm, näh.", "signature": "sig"}]]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert (calls[0]["id"], "".join(call["function"]["arguments"] for call in calls)) == ("c1", '{"a": 1}')
    assert parsed[-2].choices[0].finish_reason == "tool_calls"
    assert (parsed[-1].usage.prompt_tokens, parsed[-1].usage.completion_tokens) == (3, 9)


@given(st.lists(st.integers(0, len(RECORDED)), max_size=12))
def test_the_same_wherever_it_is_cut(places):
    cuts = [0, *sorted(places), len(RECORDED)]
    stream = ChatStream(7, includes_usage=True)
    pieces = [RECORDED[start:end] for start, end in pairwise(cuts)]
    assert b"".join(stream.feed(piece) for piece in pieces) == ChatStream(7, includes_usage=True).feed(RECORDED)


def test_an_error_in_mid_stream_is_openais():
    stream = ChatStream(7, includes_usage=False)
    made = stream.feed(sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
    assert orjson.loads(chunks_of(made)[0])["error"]["message"] == "Overloaded"
    assert stream.is_finished


def test_nonsense_in_a_stream_is_passed_over():
    assert ChatStream(7, includes_usage=False).feed(b"data: {oops\n\ndata: 7\n\ndata: {}\n\n") == b""
