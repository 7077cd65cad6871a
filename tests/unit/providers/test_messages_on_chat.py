"""Anthropic's Messages API at providers that have chat completions, as Anthropic's SDK sees it."""

from __future__ import annotations

from itertools import pairwise

import anthropic
import orjson
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from recollect.errors import InvalidRequestError, UpstreamBrokenError
from recollect.providers.base import UpstreamRequest
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.http_upstream import HttpUpstream
from recollect.providers.messages_on_chat.reply import to_message
from recollect.providers.messages_on_chat.request import to_chat
from recollect.providers.messages_on_chat.stream import MessageStream
from recollect.providers.registry import load_registry, with_overrides
from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall
from recollect.wire.sse import SseDecoder
from tests.unit.providers.bridged import sdk_through
from tests.unit.providers.fakes import read

HELLO = [{"role": "user", "content": "hi"}]
WEATHER = {"name": "weather", "description": "d", "input_schema": {"type": "object"}}
PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
STREAM_EVENT = TypeAdapter(RawMessageStreamEvent)


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text="Hello there, Alice.")) as running:
        yield running


@pytest.fixture(params=["chat/completions", "responses"])
async def upstream(request, provider):
    """A provider that has only one of OpenAI's dialects: with responses, two bridges follow one another."""
    override = {"base_url": provider.base_url, "dialects": [request.param]}
    registry = with_overrides(load_registry(), {"mistral": override})
    running = BridgingUpstream(HttpUpstream(), bridges_of([registry["mistral"]]))
    yield running
    await running.close()


@pytest.fixture
async def client(provider, upstream):
    async with sdk_through(upstream, provider, anthropic.AsyncAnthropic) as made:
        yield made


async def test_a_question_and_its_answer(client, provider):
    message = await client.messages.create(model="m", max_tokens=50, messages=HELLO, system="Be kind.")
    assert message.content[0].text == "Hello there, Alice."
    assert (message.role, message.stop_reason, message.model) == ("assistant", "end_turn", "m")
    assert message.id.startswith("msg_")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 3)
    assert provider.last.header("anthropic-version") is None


async def test_a_stream(client):
    async with client.messages.stream(model="m", max_tokens=50, messages=HELLO) as stream:
        pieces = [piece async for piece in stream.text_stream]
        message = await stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == message.content[0].text == "Hello there, Alice."
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 3)


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_tools(client, provider, is_streamed):
    calls = (ToolCall("weather", '{"city": "Oslo"}', "call_1"), ToolCall("weather", '{"city": "Rome"}', "call_2"))
    provider.then(Script(text="Let me look.", tool_calls=calls))
    if is_streamed:
        async with client.messages.stream(model="m", max_tokens=50, messages=HELLO, tools=[WEATHER]) as stream:
            message = await stream.get_final_message()
    else:
        message = await client.messages.create(model="m", max_tokens=50, messages=HELLO, tools=[WEATHER])
    text, first, second = message.content
    assert (text.text, message.stop_reason) == ("Let me look.", "tool_use")
    assert [(call.id, call.name, call.input) for call in (first, second)] == [
        ("call_1", "weather", {"city": "Oslo"}),
        ("call_2", "weather", {"city": "Rome"}),
    ]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "cold"} for call in (first, second)]
    turns = [*HELLO, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    last = await client.messages.create(model="m", max_tokens=50, messages=turns, tools=[WEATHER])
    assert last.content[0].text == "Hello there, Alice."
    assert provider.last.body.count(b'"cold"') == 2


async def test_errors_raise_anthropics_exceptions(client, provider):
    for status, kind in ((400, anthropic.BadRequestError), (401, anthropic.AuthenticationError)):
        provider.then(Script(status=status))
        with pytest.raises(kind, match=f"scripted {status}"):
            await client.messages.create(model="m", max_tokens=5, messages=HELLO)
    provider.then(Script(status=429, headers=(("retry-after", "7"),)))
    with pytest.raises(anthropic.RateLimitError) as raised:
        await client.messages.create(model="m", max_tokens=5, messages=HELLO)
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.body["error"]["type"] == "rate_limit_error"
    own = [{"type": "web_search_20250305", "name": "web_search"}]
    with pytest.raises(anthropic.BadRequestError, match="needs a provider with Anthropic's"):
        await client.messages.create(model="m", max_tokens=5, messages=HELLO, tools=own)


async def test_a_stream_that_breaks_off_is_broken(upstream, provider):
    provider.then(Script(text="Hello there, Alice.", cut_after=3))
    body = orjson.dumps({"model": "m", "max_tokens": 5, "messages": HELLO, "stream": True})
    url = provider.base_url + "/messages"
    reply = await upstream.send(UpstreamRequest("POST", url, (), body))
    with pytest.raises(UpstreamBrokenError):
        await read(reply)
    await reply.close()


def chat(*messages, **fields):
    return to_chat({"model": "m", "max_tokens": 9, "messages": list(messages), **fields})


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def text(words, **others):
    return {"type": "text", "text": words, **others}


def test_a_request():
    made = chat(
        user(text("a", cache_control={"type": "ephemeral"}), text("b")),
        system=[text("x", cache_control={"type": "ephemeral"}), text("y")],
        stop_sequences=["END"],
        temperature=0.3,
        top_k=5,
        metadata={"user_id": "u"},
        tools=[WEATHER | {"strict": True, "cache_control": {"type": "ephemeral"}}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        stream=True,
    )
    function = {"name": "weather", "description": "d", "parameters": {"type": "object"}, "strict": True}
    assert made == {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "system", "content": "x\n\ny"}, {"role": "user", "content": "a\n\nb"}],
        "stop": ["END"],
        "temperature": 0.3,
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_results_come_before_words_and_pictures_with_them():
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    shot = {"type": "tool_result", "tool_use_id": "t", "content": [text("done"), {"type": "image", "source": PNG}]}
    made = chat(*HELLO, {"role": "assistant", "content": [thought, text("ok"), call]}, user(shot, text("and?")))
    assert made["messages"][1:] == [
        {
            "role": "assistant",
            "content": "ok",
            "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "tool_call_id": "t", "content": "done"},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}, text("and?")],
        },
    ]


def test_documents():
    sources = [
        {"type": "text", "media_type": "text/plain", "data": "plain"},
        {"type": "content", "content": [text("inside")]},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        {"type": "file", "file_id": "file_1"},
    ]
    made = chat(user(*({"type": "document", "source": source, "title": "T"} for source in sources)))
    assert made["messages"][0]["content"] == [
        text("plain"),
        text("inside"),
        {"type": "file", "file": {"filename": "T", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "file", "file": {"file_id": "file_1"}},
    ]


@pytest.mark.parametrize(
    ("model", "fields", "effort", "limit"),
    [
        ("gpt-5.5", {"output_config": {"effort": "max"}}, "high", "max_completion_tokens"),
        ("openai/o3", {"thinking": {"type": "enabled", "budget_tokens": 8000}}, "medium", "max_completion_tokens"),
        ("gpt-oss-120b", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low", "max_completion_tokens"),
        ("gpt-4o", {"output_config": {"effort": "high"}}, None, "max_completion_tokens"),
        ("mistral-large", {"thinking": {"type": "adaptive"}}, None, "max_tokens"),
    ],
)
def test_thinking_and_limits_are_said_in_the_models_words(model, fields, effort, limit):
    made = chat(*HELLO, model=model, **fields)
    assert made.get("reasoning_effort") == effort
    assert made[limit] == 9


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_structured_output(place):
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    made = chat(*HELLO, **{place: {"format": schema} if place == "output_config" else schema})
    expected = {"name": "output", "schema": {"type": "object"}, "strict": True}
    assert made["response_format"] == {"type": "json_schema", "json_schema": expected}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [user({"type": "hologram"})]}, "messages[0].content[0]"),
        ({"messages": [user({"type": "image", "source": {"type": "file"}})]}, "messages[0].content[0]"),
        ({"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]}, "messages[0].content[0]"),
        ({"messages": HELLO, "tools": [{"type": "computer_20250124"}]}, "tools[0]"),
        ({"messages": HELLO, "mcp_servers": [{"url": "https://x"}]}, "mcp_servers"),
    ],
)
def test_what_a_chat_cannot_say_is_refused_by_name(body, param):
    with pytest.raises(InvalidRequestError) as raised:
        to_chat(body)
    assert raised.value.param == param


def test_a_reply_with_thoughts_and_cached_tokens():
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 80}}
    said = {"role": "assistant", "content": None, "refusal": "No.", "reasoning_content": "hm"}
    made = to_message({"id": "chatcmpl-1", "choices": [{"message": said, "finish_reason": "length"}], "usage": usage})
    assert made["content"] == [{"type": "thinking", "thinking": "hm", "signature": ""}, text("No.")]
    assert (made["stop_reason"], made["id"]) == ("max_tokens", "msg_1")
    counts = Message.model_validate(made).usage
    assert (counts.input_tokens, counts.cache_read_input_tokens, counts.output_tokens) == (20, 80, 7)


def chunk(**delta):
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def call(index, arguments, **head):
    function = {"arguments": arguments, **({"name": head["name"]} if head else {})}
    return {"index": index, **({"id": head["id"], "type": "function"} if head else {}), "function": function}


CHUNKS = [
    chunk(role="assistant", content=""),
    chunk(reasoning_content="I "),
    chunk(reasoning_content="think."),
    chunk(content="Hé"),
    chunk(content="llo"),
    chunk(tool_calls=[call(0, "", id="c1", name="f")]),
    chunk(tool_calls=[call(1, "", id="c2", name="g")]),
    chunk(tool_calls=[call(1, '{"b"')]),
    chunk(tool_calls=[call(0, '{"a":1}')]),
    chunk(content="Late."),
    chunk(tool_calls=[call(1, ":2}")]),
    {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"id": "c", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
]
RAW = b": hi\n\n" + b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in CHUNKS) + b"data: [DONE]\n\n"


def events_of(raw):
    return [orjson.loads(event.data) for event in SseDecoder().feed(raw)]


def test_calls_that_are_written_in_turns_become_blocks_in_a_row():
    events = events_of(MessageStream("m").feed(RAW))
    for event in events:
        STREAM_EVENT.validate_python(event)
    starts = [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use", "text", "tool_use"]
    is_open = None
    for event in events:
        if event["type"] == "content_block_start":
            assert is_open is None
            is_open = event["index"]
        elif event["type"] in {"content_block_delta", "content_block_stop"}:
            assert event["index"] == is_open
            is_open = None if event["type"] == "content_block_stop" else is_open
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(one["partial_json"] for one in deltas if one["type"] == "input_json_delta") == '{"a":1}{"b":2}'
    assert "".join(one["text"] for one in deltas if one["type"] == "text_delta") == "HélloLate."
    change, end = events[-2:]
    assert (change["delta"]["stop_reason"], change["usage"]["output_tokens"]) == ("tool_use", 4)
    assert end == {"type": "message_stop"}


@given(st.lists(st.integers(0, len(RAW)), max_size=8))
def test_a_stream_is_the_same_wherever_it_is_cut(cuts):
    whole = MessageStream("m").feed(RAW)
    stream = MessageStream("m")
    assert b"".join(stream.feed(RAW[a:b]) for a, b in pairwise([0, *sorted(cuts), len(RAW)])) == whole
    assert stream.is_finished


def test_a_stream_is_the_same_cut_at_every_byte():
    whole = MessageStream("m").feed(RAW)
    for at in range(len(RAW)):
        stream = MessageStream("m")
        assert stream.feed(RAW[:at]) + stream.feed(RAW[at:]) == whole


def test_a_provider_that_does_not_say_done():
    stream = MessageStream("m")
    assert stream.finish() == b""
    stream.feed(RAW.partition(b"data: [DONE]")[0])
    assert events_of(stream.finish())[-1] == {"type": "message_stop"}
    assert stream.is_finished


def test_an_error_in_the_stream():
    stream = MessageStream("m")
    made = stream.feed(b'data: {"error": {"message": "overheated", "code": 500}}\n\ndata: [DONE]\n\n')
    assert events_of(made) == [{"type": "error", "error": {"type": "api_error", "message": "overheated"}}]
    assert stream.is_finished
