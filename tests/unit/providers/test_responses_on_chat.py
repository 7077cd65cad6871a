"""The Responses API at providers that have chat completions only, as OpenAI's SDK sees it."""

from __future__ import annotations

from itertools import pairwise

import openai
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from recollect.errors import InvalidRequestError, UpstreamBrokenError
from recollect.providers.base import UpstreamRequest
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.http_upstream import HttpUpstream
from recollect.providers.registry import load_registry, with_overrides
from recollect.providers.responses_on_chat.items import to_response
from recollect.providers.responses_on_chat.request import to_chat
from recollect.providers.responses_on_chat.stream import ResponseStream
from recollect.providers.responses_on_chat.thoughts import unwrap_thoughts, wrap_thoughts
from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall
from recollect.wire.sse import SseDecoder
from tests.unit.providers.bridged import sdk_through
from tests.unit.providers.fakes import read

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
STREAM_EVENT = TypeAdapter(ResponseStreamEvent)


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text="Hello there, Alice.")) as running:
        yield running


def bridged(provider, name):
    registry = with_overrides(load_registry(), {name: {"base_url": provider.base_url}})
    return BridgingUpstream(HttpUpstream(), bridges_of([registry[name]]))


@pytest.fixture(params=["mistral", "anthropic"])
async def upstream(request, provider):
    running = bridged(provider, request.param)
    yield running
    await running.close()


@pytest.fixture
async def client(provider, upstream):
    async with sdk_through(upstream, provider) as made:
        yield made


async def test_a_question_and_its_answer(client, provider):
    response = await client.responses.create(model="m", input="hi", instructions="Be kind.", temperature=0.5)
    assert response.output_text == "Hello there, Alice."
    assert (response.status, response.object) == ("completed", "response")
    assert response.id.startswith("resp_")
    assert response.instructions == "Be kind."
    assert response.temperature == 0.5
    assert response.usage.input_tokens >= 10
    assert provider.last.path in {"/v1/chat/completions", "/v1/messages"}


async def test_a_stream(client, provider):
    provider.script = Script(text="Hello there, Alice.", pieces=4, delay_s=0.002)
    async with client.responses.stream(model="m", input="hi") as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    assert final.output_text == "Hello there, Alice."
    assert [event.sequence_number for event in events] == sorted({event.sequence_number for event in events})
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) >= 4
    assert "".join(deltas) == final.output_text
    assert final.usage.output_tokens == 3
    assert events[-1].type == "response.completed"


async def test_tool_calls_streamed_or_not(client, provider):
    calls = (ToolCall("weather", '{"city": "Oslo"}', "c1"), ToolCall("weather", '{"city": "Rome"}', "c2"))
    provider.script = Script(text="Looking.", tool_calls=calls)
    ask = {"model": "m", "input": "hi", "tools": [WEATHER]}
    whole = await client.responses.create(**ask)
    async with client.responses.stream(**ask) as stream:
        streamed = await stream.get_final_response()
    for response in (whole, streamed):
        message, *found = response.output
        assert message.content[0].text == "Looking."
        assert [(call.type, call.call_id, call.name) for call in found] == [
            ("function_call", "c1", "weather"),
            ("function_call", "c2", "weather"),
        ]
        assert [orjson.loads(call.arguments)["city"] for call in found] == ["Oslo", "Rome"]


async def test_a_tool_loop_goes_on(client, provider):
    first = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Oslo"}'}
    result = {"type": "function_call_output", "call_id": "c1", "output": "cold"}
    response = await client.responses.create(
        model="m", input=[{"role": "user", "content": "hi"}, first, result], tools=[WEATHER]
    )
    assert response.output_text == "Hello there, Alice."
    roles = [message["role"] for message in provider.last.json()["messages"]]
    assert roles in (["user", "assistant", "tool"], ["user", "assistant", "user"])


async def test_errors_are_the_sdks_own(client, provider):
    provider.script = Script(status=429, headers=(("Retry-After", "3"),))
    with pytest.raises(openai.RateLimitError) as caught:
        await client.responses.create(model="m", input="hi")
    assert caught.value.response.headers["retry-after"] == "3"


async def test_what_needs_a_memory_of_the_provider_is_refused(client, provider):
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(model="m", input="hi", previous_response_id="resp_1")
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "previous_response_id")
    assert provider.requests == []


async def test_a_stream_that_breaks_is_one_that_broke(upstream, provider):
    provider.script = Script(cut_after=3)
    body = orjson.dumps({"model": "m", "input": "hi", "stream": True})
    reply = await upstream.send(UpstreamRequest("POST", provider.base_url + "/responses", (), body))
    with pytest.raises(UpstreamBrokenError):
        await read(reply)
    await reply.close()


async def test_a_provider_that_has_responses_is_left_alone(provider):
    upstream = bridged(provider, "openai")
    body = orjson.dumps({"model": "m", "input": "hi"})
    await read(await upstream.send(UpstreamRequest("POST", provider.base_url + "/responses", (), body)))
    assert provider.last.path == "/v1/responses"
    await upstream.close()


def test_the_whole_request_in_the_other_dialect():
    made = to_chat(
        {
            "model": "m",
            "instructions": "Be kind.",
            "input": [
                {"role": "developer", "content": "Short."},
                {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "see"},
                        {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "low"},
                        {"type": "input_file", "file_data": "data:a", "filename": "a.pdf"},
                    ],
                },
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I see."}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** Begin"},
                {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "ok"}]},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
            ],
            "max_output_tokens": 9,
            "reasoning": {"effort": "low", "summary": "auto"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"},
            "tools": [WEATHER, {"type": "custom", "name": "patch", "description": "edits"}],
            "tool_choice": {"type": "function", "name": "weather"},
            "parallel_tool_calls": False,
            "stream": True,
            "store": True,
            "include": ["reasoning.encrypted_content"],
            "user": "u",
        }
    )
    assert made["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "system", "content": "Short."},
        {"role": "user", "content": "a\nb"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:a", "filename": "a.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": "I see.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "patch", "arguments": '{"input":"*** Begin"}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        {"role": "tool", "tool_call_id": "c2", "content": "done"},
    ]
    del made["messages"]
    assert [tool["function"]["name"] for tool in made.pop("tools")] == ["weather", "patch"]
    assert made == {
        "model": "m",
        "max_tokens": 9,
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
        "verbosity": "low",
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "u",
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": "c"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"input": 7}, "input"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "video"}]}]}, "input[0].content[0]"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said_is_named(fields, param):
    with pytest.raises(InvalidRequestError) as caught:
        to_chat({"model": "m", "input": "hi", **fields})
    assert caught.value.param == param


THOUGHT = [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}]


def test_signed_thoughts_travel_through_the_client():
    assert unwrap_thoughts(wrap_thoughts(THOUGHT)) == THOUGHT
    chat = {"choices": [{"message": {"content": "Hi.", "reasoning_content": "Hm.", "thinking_blocks": THOUGHT}}]}
    reasoning, message = to_response({}, {"id": "chatcmpl-1", "created": 1, "model": "m", **chat}, frozenset())[
        "output"
    ]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    made = to_chat({"input": [{"role": "user", "content": "x"}, reasoning, message]})
    assert made["messages"][1] == {"role": "assistant", "content": "Hi.", "thinking_blocks": THOUGHT}


@pytest.mark.parametrize("text", [None, "gAAAA-openai's own", "rt1.!!", "rt1.e30="])
def test_other_peoples_thoughts_are_left_out(text):
    assert unwrap_thoughts(text) == []


@pytest.mark.parametrize(
    ("finish_reason", "status", "reason"),
    [("stop", "completed", None), ("length", "incomplete", "max_output_tokens"), (None, "completed", None),
     ("content_filter", "incomplete", "content_filter"), ("tool_calls", "completed", None)],
)  # fmt: skip
def test_how_it_ended(finish_reason, status, reason):
    choice = {"message": {"content": "a"}, "finish_reason": finish_reason}
    made = to_response({}, {"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice]}, frozenset())
    assert made["status"] == status
    assert (made["incomplete_details"] or {}).get("reason") == reason
    assert Response.model_validate(made).id == "resp_1"


def chunk(delta, **fields):
    choice = {"index": 0, "delta": delta, "finish_reason": fields.pop("finish_reason", None)}
    return {"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice], **fields}


def call(index, arguments, **fields):
    return {
        "tool_calls": [{"index": index, "function": {"arguments": arguments, **fields.pop("function", {})}, **fields}]
    }


def sse(*chunks):
    return b"".join(b"data: " + orjson.dumps(data) + b"\n\n" for data in chunks) + b"data: [DONE]\n\n"


RECORDED = sse(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Hm, "}),
    chunk({"reasoning_content": "näh."}),
    chunk({"thinking_blocks": THOUGHT}),
    chunk({"content": "Öslo "}),
    chunk({"content": "✓"}),
    chunk(call(0, "", id="c1", function={"name": "f"})),
    chunk(call(1, '{"input": "*** ', id="c2", function={"name": "patch"})),
    chunk(call(0, '{"a": 1}')),
    chunk(call(1, 'Begin"}')),
    chunk({}, finish_reason="tool_calls"),
    {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}},
)


def events_of(data):
    return [orjson.loads(event.data) for event in SseDecoder().feed(data)]


def translate(*pieces):
    stream = ResponseStream({"model": "m"}, frozenset({"patch"}))
    made = b"".join(stream.feed(piece) for piece in pieces) + stream.finish()
    return made, stream.is_finished


def test_a_recorded_stream():
    made, is_finished = translate(RECORDED)
    events = events_of(made)
    assert is_finished
    assert [STREAM_EVENT.validate_python(event).type for event in events] == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    response = events[-1]["response"]
    assert [item["type"] for item in response["output"]] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    assert response["output"][1]["content"][0]["text"] == "Öslo ✓"
    assert response["output"][2]["arguments"] == '{"a": 1}'
    assert response["output"][3]["input"] == "*** Begin"
    assert unwrap_thoughts(response["output"][0]["encrypted_content"]) == THOUGHT
    assert response["usage"]["total_tokens"] == 12
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == response["output"]


@given(st.lists(st.integers(0, len(RECORDED)), max_size=12))
def test_the_same_wherever_it_is_cut(places):
    cuts = [0, *sorted(places), len(RECORDED)]
    assert translate(*(RECORDED[start:end] for start, end in pairwise(cuts))) == translate(RECORDED)


def test_a_stream_without_done_is_complete_once_it_gave_its_reason():
    ended = sse(chunk({"content": "a"}), chunk({}, finish_reason="stop")).removesuffix(b"data: [DONE]\n\n")
    made, is_finished = translate(ended)
    assert is_finished
    assert events_of(made)[-1]["response"]["output"][0]["content"][0]["text"] == "a"


def test_a_stream_that_gave_no_reason_is_not():
    cut = sse(chunk({"content": "a"})).removesuffix(b"data: [DONE]\n\n")
    assert translate(cut)[1] is False


def test_an_error_in_mid_stream():
    made, is_finished = translate(sse(chunk({"content": "a"}), {"error": {"message": "busy", "code": "overloaded"}}))
    *_, error, failed = events_of(made)
    assert (error["type"], error["message"], error["code"]) == ("error", "busy", "overloaded")
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert is_finished


def test_nonsense_is_passed_over():
    assert translate(b"data: {oops\n\ndata: 7\n\n: ping\n\n") == (b"", False)
