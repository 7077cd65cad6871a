"""Chat completions at providers that have the Responses API only, as OpenAI's SDK sees it."""

from __future__ import annotations

from itertools import pairwise

import openai
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from recollect.errors import InvalidRequestError, UpstreamBrokenError
from recollect.providers.base import UpstreamRequest
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.chat_on_responses.reply import to_chat_completion
from recollect.providers.chat_on_responses.request import to_response_request
from recollect.providers.chat_on_responses.stream import ChatChunkStream
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
    override = {"base_url": provider.base_url, "dialects": ["responses"]}
    registry = with_overrides(load_registry(), {"mistral": override})
    running = BridgingUpstream(HttpUpstream(), bridges_of([registry["mistral"]]))
    yield running
    await running.close()


@pytest.fixture
async def client(provider, upstream):
    async with sdk_through(upstream, provider) as made:
        yield made


async def test_a_question_and_its_answer(client, provider):
    completion = await client.chat.completions.create(model="m", messages=HELLO, max_completion_tokens=50)
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello there, Alice.", "stop")
    assert completion.id.startswith("chatcmpl-")
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert provider.last.path == "/v1/responses"
    sent = provider.last.json()
    assert (sent["max_output_tokens"], sent["store"], sent["input"][0]["content"]) == (50, False, "hi")


async def test_a_stream(client):
    options = {"include_usage": True}
    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True, stream_options=options)
    chunks = [chunk async for chunk in stream]
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == "Hello there, Alice."
    assert sum(map(bool, texts)) > 1
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage.prompt_tokens) == ([], 10)


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_tools(client, provider, is_streamed):
    calls = (ToolCall("weather", '{"city": "Oslo"}', "call_1"), ToolCall("weather", '{"city": "Rome"}', "call_2"))
    provider.then(Script(text="", tool_calls=calls))
    asked = {"model": "m", "messages": HELLO, "tools": [WEATHER]}
    if is_streamed:
        async with client.chat.completions.stream(**asked) as stream:
            completion = await stream.get_final_completion()
    else:
        completion = await client.chat.completions.create(**asked)
    (choice,) = completion.choices
    assert choice.finish_reason == "tool_calls"
    found = [(call.id, call.function.name, orjson.loads(call.function.arguments)) for call in choice.message.tool_calls]
    assert found == [("call_1", "weather", {"city": "Oslo"}), ("call_2", "weather", {"city": "Rome"})]
    assert provider.last.json()["tools"][0]["strict"] is False
    results = [{"role": "tool", "tool_call_id": call.id, "content": "cold"} for call in choice.message.tool_calls]
    turns = [*HELLO, choice.message.model_dump(exclude_none=True), *results]
    last = await client.chat.completions.create(model="m", messages=turns, tools=[WEATHER])
    assert last.choices[0].message.content == "Hello there, Alice."
    kinds = [item["type"] for item in provider.last.json()["input"]]
    assert kinds == ["message", "function_call", "function_call", "function_call_output", "function_call_output"]


async def test_errors_pass(client, provider):
    provider.then(Script(status=429, headers=(("retry-after", "7"),)))
    with pytest.raises(openai.RateLimitError) as raised:
        await client.chat.completions.create(model="m", messages=HELLO)
    assert raised.value.response.headers["retry-after"] == "7"
    failed = {"id": "resp_1", "output": [], "status": "failed", "error": {"code": "server_error", "message": "sorry"}}
    provider.then(Script(raw=orjson.dumps(failed)))
    with pytest.raises(openai.InternalServerError, match="sorry"):
        await client.chat.completions.create(model="m", messages=HELLO)
    with pytest.raises(openai.BadRequestError, match="stop"):
        await client.chat.completions.create(model="m", messages=HELLO, stop="x")


async def test_a_stream_that_breaks_off_is_broken(upstream, provider):
    provider.then(Script(text="Hello there, Alice.", cut_after=5))
    body = orjson.dumps({"model": "m", "messages": HELLO, "stream": True})
    reply = await upstream.send(UpstreamRequest("POST", provider.base_url + "/chat/completions", (), body))
    with pytest.raises(UpstreamBrokenError):
        await read(reply)
    await reply.close()


def ask(*messages, **fields):
    return to_response_request({"model": "m", "messages": list(messages), **fields})


def test_a_request():
    made = ask(
        {"role": "system", "content": "Be kind."},
        *HELLO,
        reasoning_effort="low",
        verbosity="low",
        response_format={"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {}}},
        tools=[WEATHER, {"type": "custom", "custom": {"name": "sql", "description": "d"}}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
        logprobs=True,
        top_logprobs=3,
        user="u",
        seed=1,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert made == {
        "model": "m",
        "input": [
            {"type": "message", "role": "system", "content": "Be kind."},
            {"type": "message", "role": "user", "content": "hi"},
        ],
        "store": False,
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "x", "strict": True, "schema": {}}},
        "tools": [
            {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False},
            {"type": "custom", "name": "sql", "description": "d"},
        ],
        "tool_choice": {"type": "function", "name": "weather"},
        "parallel_tool_calls": False,
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 3,
        "user": "u",
        "stream": True,
    }


def test_parts_and_older_spellings():
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "file", "file": {"file_id": "f1"}},
    ]
    made = ask(
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "custom": {"name": "sql", "input": "x"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "done"}]},
        functions=[{"name": "f"}],
        function_call={"name": "f"},
    )
    assert made["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
                {"type": "input_file", "file_id": "f1"},
            ],
        },
        {"type": "function_call", "call_id": "f", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "f", "output": "42"},
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "x"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ]
    assert made["tool_choice"] == {"type": "function", "name": "f"}


def test_allowed_tools():
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather"}}]}
    made = ask(*HELLO, tools=[WEATHER], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    expected = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]}
    assert made["tool_choice"] == expected


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": HELLO, "n": 2}, "n"),
        ({"messages": HELLO, "stop": ["x"]}, "stop"),
        ({"messages": HELLO, "tools": [{"type": "x"}]}, "tools[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [5]}]}, "messages[0]"),
    ],
)
def test_what_responses_cannot_say_is_refused_by_name(body, param):
    with pytest.raises(InvalidRequestError) as raised:
        to_response_request(body)
    assert raised.value.param == param


def test_a_reply_with_thoughts_citations_and_cached_tokens():
    cited = {"type": "url_citation", "url": "https://x", "title": "X", "start_index": 0, "end_index": 1}
    response = {
        "id": "resp_1",
        "created_at": 5,
        "model": "m",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {
                "type": "message",
                "content": [
                    {"type": "output_text", "text": "a", "annotations": [cited]},
                    {"type": "refusal", "refusal": "no"},
                ],
            },
            {"type": "web_search_call", "id": "w"},
        ],
        "usage": {
            "input_tokens": 9,
            "output_tokens": 3,
            "input_tokens_details": {"cached_tokens": 5},
            "output_tokens_details": {"reasoning_tokens": 2},
        },
    }
    made = to_chat_completion(response)
    completion = ChatCompletion.model_validate(made)
    (choice,) = completion.choices
    assert (choice.finish_reason, choice.message.content, choice.message.refusal) == ("length", "a", "no")
    assert choice.message.annotations[0].url_citation.url == "https://x"
    assert made["choices"][0]["message"]["reasoning_content"] == "hm"
    usage = completion.usage
    assert (usage.total_tokens, usage.prompt_tokens_details.cached_tokens) == (12, 5)
    assert usage.completion_tokens_details.reasoning_tokens == 2


EVENTS = [
    {"type": "response.created", "response": {"id": "resp_1", "created_at": 5, "model": "m"}},
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "hm"},
    {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message"}},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "Hé"},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {"type": "function_call", "call_id": "c1", "name": "f"},
    },
    {
        "type": "response.output_item.added",
        "output_index": 3,
        "item": {"type": "custom_tool_call", "call_id": "c2", "name": "g"},
    },
    {"type": "response.custom_tool_call_input.delta", "output_index": 3, "delta": "x"},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
    {"type": "response.completed", "response": {"id": "resp_1", "usage": {"input_tokens": 1, "output_tokens": 2}}},
]
RAW = b"".join(b"event: " + e["type"].encode() + b"\ndata: " + orjson.dumps(e) + b"\n\n" for e in EVENTS)


def test_every_event_has_its_chunk():
    *chunks, done = SseDecoder().feed(ChatChunkStream(includes_usage=True).feed(RAW))
    assert done.data == "[DONE]"
    parsed = [orjson.loads(chunk.data) for chunk in chunks]
    for one in parsed:
        if b'"custom"' not in orjson.dumps(one):  # OpenAI streams them, its SDK's types do not know them
            ChatCompletionChunk.model_validate(one)
    deltas = [one["choices"][0]["delta"] for one in parsed[:-1]]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": "Hé"},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "g", "input": ""}}]},
        {"tool_calls": [{"index": 1, "custom": {"input": "x"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert parsed[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert parsed[-1]["usage"]["total_tokens"] == 3


@given(st.lists(st.integers(0, len(RAW)), max_size=8))
def test_a_stream_is_the_same_wherever_it_is_cut(cuts):
    whole = ChatChunkStream(includes_usage=True).feed(RAW)
    stream = ChatChunkStream(includes_usage=True)
    assert b"".join(stream.feed(RAW[a:b]) for a, b in pairwise([0, *sorted(cuts), len(RAW)])) == whole
    assert stream.is_finished


def test_a_stream_is_the_same_cut_at_every_byte():
    whole = ChatChunkStream(includes_usage=False).feed(RAW)
    for at in range(len(RAW)):
        stream = ChatChunkStream(includes_usage=False)
        assert stream.feed(RAW[:at]) + stream.feed(RAW[at:]) == whole


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "message": "overheated", "code": "server_error"},
        {"type": "error", "error": {"message": "overheated"}},
        {"type": "response.failed", "response": {"error": {"message": "overheated", "code": "server_error"}}},
    ],
)
def test_an_error_in_the_stream(event):
    stream = ChatChunkStream(includes_usage=False)
    (made,) = SseDecoder().feed(stream.feed(b"data: " + orjson.dumps(event) + b"\n\n"))
    assert orjson.loads(made.data)["error"]["message"] == "overheated"
    assert stream.is_finished
