"""Which bridges a provider needs, and what becomes of bodies that nobody expects."""

from __future__ import annotations

import copy

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.errors import ApiError, InvalidRequestError, UpstreamBrokenError
from recollect.providers.base import Provider, UpstreamRequest
from recollect.providers.bridging import BridgingUpstream, bridges_of
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.testing import scripted_bodies as bodies
from recollect.testing import scripted_messages
from recollect.testing.scripted_bodies import Answer, ToolCall
from tests.unit.providers.fakes import FakeUpstream, read

BASE = "https://p.example/v1"
CHAT, RESPONSES, MESSAGES = "chat/completions", "responses", "messages"


def targets(**fields):
    """Which bridge takes what the client asks for."""
    bridges = bridges_of([Provider("p", BASE, **fields)])
    found = {url.removeprefix(BASE + "/"): type(bridge).__name__ for (name, url), bridge in bridges.items() if name}
    assert {url for name, url in bridges if name is None} == {url for name, url in bridges if name}
    return found


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ({CHAT, RESPONSES, MESSAGES}, {}),
        ({CHAT, RESPONSES}, {MESSAGES: "MessagesOnChatBridge"}),
        ({CHAT}, {RESPONSES: "ResponsesOnChatBridge", MESSAGES: "MessagesOnChatBridge"}),
        ({RESPONSES}, {CHAT: "ChatOnResponsesBridge", MESSAGES: "MessagesOnChatBridge"}),
        ({MESSAGES}, {CHAT: "AnthropicBridge", RESPONSES: "ResponsesOnChatBridge"}),
        ({"embeddings"}, {}),
    ],
)
def test_what_a_provider_does_not_speak_goes_over_a_bridge(native, expected):
    assert targets(dialects=frozenset(native)) == expected


def test_a_provider_of_anthropics_style_speaks_messages():
    anthropic = {CHAT: "AnthropicBridge", RESPONSES: "ResponsesOnChatBridge"}
    assert targets(path_style="anthropic", dialects=frozenset({CHAT, RESPONSES})) == anthropic
    assert targets(path_style="azure") == {}


async def test_providers_may_share_a_base_url_and_speak_different_dialects():
    """As behind a proxy that serves them all."""
    ways = [Provider("openai", BASE, dialects=frozenset({CHAT})), Provider("claude", BASE, path_style="anthropic")]
    network = FakeUpstream(plain(WHOLE[CHAT](ANSWER)), plain(WHOLE[MESSAGES](ANSWER)))
    upstream = BridgingUpstream(network, bridges_of(ways))
    for provider in ("openai", "claude"):
        body = orjson.dumps(QUESTION[CHAT])
        reply = await upstream.send(UpstreamRequest("POST", f"{BASE}/{CHAT}", (), body, provider=provider))
        assert b'"chat.completion"' in await read(reply)
    assert [request.url for request in network.requests] == [f"{BASE}/{CHAT}", f"{BASE}/{MESSAGES}"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_who_names_no_provider_is_taken_at_their_word_where_it_is_spoken(path):
    """As the endpoint of an extractor."""
    ways = [Provider("openai", BASE, dialects=frozenset({CHAT})), Provider("claude", BASE, path_style="anthropic")]
    network = FakeUpstream(plain(WHOLE[path](ANSWER)))
    reply = await BridgingUpstream(network, bridges_of(ways)).send(
        UpstreamRequest("POST", f"{BASE}/{path}", (), orjson.dumps(QUESTION[path]))
    )
    assert orjson.loads(await read(reply)) == WHOLE[path](ANSWER)
    assert [request.url for request in network.requests] == [f"{BASE}/{path}"]


QUESTION = {
    CHAT: {
        "model": "claude-opus-4-6",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "file", "file": {"file_id": "f"}}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "42"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
        "reasoning_effort": "low",
        "stream_options": {"include_usage": True},
    },
    RESPONSES: {
        "model": "m",
        "instructions": "s",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "42"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
        "reasoning": {"effort": "low"},
    },
    MESSAGES: {
        "model": "gpt-5",
        "max_tokens": 5,
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "x"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]}]},
        ],
        "tools": [{"name": "f", "input_schema": {}}],
        "tool_choice": {"type": "tool", "name": "f"},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    },
}
ANSWER = Answer("x_1", "m", "Hello there.", (ToolCall("f", '{"a": 1}'),))
WHOLE = {CHAT: bodies.chat_completion, RESPONSES: bodies.response, MESSAGES: scripted_messages.message}
EVENTS = {CHAT: bodies.chat_events, RESPONSES: bodies.response_events, MESSAGES: scripted_messages.message_events}
BRIDGED = [(asked, native) for asked in QUESTION for native in QUESTION if asked != native]
STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "id"]), inner),
    max_leaves=4,
)
many = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def spoilt(draw, document):
    """The document with something else in one place."""
    document = copy.deepcopy(document)
    holder, key = None, None
    place = document
    while isinstance(place, (dict, list)) and place and (holder is None or draw(st.integers(0, 4))):
        holder, key = place, draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place = holder[key]
    holder[key] = draw(STRANGE)
    return document


def plain(document):
    return InMemoryReply(200, ((b"content-type", b"application/json"),), (orjson.dumps(document),))


def streamed(events):
    raw = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return InMemoryReply(200, ((b"content-type", b"text/event-stream"),), (raw,))


async def exchange(asked, native, question, answer):
    upstream = BridgingUpstream(FakeUpstream(answer), bridges_of([Provider("p", BASE, dialects=frozenset({native}))]))
    request = UpstreamRequest("POST", f"{BASE}/{asked}", (), orjson.dumps(question))
    reply = await upstream.send(request)
    return reply.status, await read(reply)


@pytest.mark.parametrize(("asked", "native"), BRIDGED)
async def test_every_dialect_is_served_by_every_other(asked, native):
    status, body = await exchange(asked, native, QUESTION[asked], plain(WHOLE[native](ANSWER)))
    assert status == 200
    assert b"Hello there." in body
    question = {**QUESTION[asked], "stream": True}
    events = [{"type": name, **event} if name else event for name, event in EVENTS[native](ANSWER)]
    status, body = await exchange(asked, native, question, streamed(events))
    assert status == 200
    assert body.endswith(b"\n\n")


@pytest.mark.parametrize(("asked", "native"), BRIDGED)
@many
@given(data=st.data())
async def test_a_malformed_request_is_the_callers_fault(asked, native, data):
    try:
        await exchange(asked, native, data.draw(spoilt(QUESTION[asked])), plain(WHOLE[native](ANSWER)))
    except InvalidRequestError as error:
        assert error.message  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(("asked", "native"), BRIDGED)
@many
@given(data=st.data())
async def test_a_malformed_reply_is_the_providers_fault(asked, native, data):
    try:
        await exchange(asked, native, QUESTION[asked], plain(data.draw(spoilt(WHOLE[native](ANSWER)))))
    except UpstreamBrokenError as error:
        assert error.message  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(("asked", "native"), BRIDGED)
@many
@given(data=st.data())
async def test_malformed_events_are_the_providers_fault(asked, native, data):
    events = [{"type": name, **event} if name else event for name, event in EVENTS[native](ANSWER)]
    question = {**QUESTION[asked], "stream": True}
    try:
        await exchange(asked, native, question, streamed(data.draw(spoilt(events))))
    except ApiError as error:
        assert isinstance(error, UpstreamBrokenError)  # noqa: PT017 - either outcome is right
