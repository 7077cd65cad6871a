"""Replies that no provider documents."""

from __future__ import annotations

import json

import pytest

from recollect.domain.messages import fingerprint
from recollect.domain.usage import Usage
from recollect.wire.chat_completions import CHAT_COMPLETIONS
from recollect.wire.dialects import DIALECTS
from recollect.wire.json_document import JsonDocument
from recollect.wire.messages import MESSAGES
from recollect.wire.prompt import Reply
from recollect.wire.reply_chat import ChatReplyReader
from recollect.wire.reply_responses import read_response_events
from recollect.wire.responses import RESPONSES

ODD_BODIES = [
    b"",
    b" ",
    b"null",
    b"5",
    b"[]",
    b"[5]",
    b"{",
    b"{}",
    b'{"choices": null}',
    b'{"choices": {}}',
    b'{"choices": [null, 5]}',
    b'{"choices": [{}]}',
    b'{"choices": [{"message": 5}]}',
    b'{"choices": [{"message": {"content": 5, "tool_calls": 5, "audio": 5}}], "usage": 5, "id": 5}',
    b'{"choices": [{"message": {"content": [5, {}, {"type": 5}], "tool_calls": [5, {"function": 5}]}}]}',
    b'{"output": 5, "usage": {"input_tokens": "x"}, "error": true, "conversation": 5}',
    b'{"output": [5, {}, {"type": "message"}, {"type": "function_call"}], "incomplete_details": 5}',
    b'{"error": {}}',
    b'{"error": "text"}',
    b'{"x": NaN}',
    b"data: {\n\n",
    b"data: 5\n\ndata: []\n\ndata: null\n\n",
    b'data: {"choices": 5}\n\n',
    b'data: {"choices": [{"delta": 5}]}\n\n',
    b'data: {"choices": [{"delta": {"content": 5, "tool_calls": [5, {}], "refusal": 5, "audio": 5}}]}\n\n',
    b'data: {"type": 5, "response": 5, "output_index": "x"}\n\n',
    b'data: {"type": "response.output_text.delta", "delta": 5}\n\n',
    b'data: {"type": "response.output_item.done", "item": 5}\n\n',
    b'data: {"type": "response.completed"}\n\n',
    b'{"content": 5, "usage": 5, "stop_reason": 5}',
    b'{"content": [5, {}, {"type": 5}, {"type": "text", "text": 5}, {"type": "tool_use", "id": 5, "input": 5}]}',
    b'data: {"type": "content_block_start", "index": "x", "content_block": 5}\n\n',
    b'data: {"type": "content_block_delta", "index": 9, "delta": {"text": 5}}\n\n',
    b'data: {"type": "message_start", "message": {"usage": 5}}\n\ndata: {"type": "message_delta", "delta": 5}\n\n',
    b"\xff\xfe\x00",
    b"{" * 100_000,
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize("body", ODD_BODIES, ids=lambda body: repr(body[:40]))
def test_no_reply_breaks_a_reader(dialect: str, body: bytes, is_streamed: bool) -> None:
    reader = DIALECTS[dialect].reply_reader(is_streamed=is_streamed)
    reader.feed(body)
    assert isinstance(reader.finish(is_cut=False), Reply)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_json_that_ends_early_is_partial_even_where_nobody_noticed_the_cut(dialect: str) -> None:
    reader = DIALECTS[dialect].reply_reader(is_streamed=False)
    reader.feed(b'{"id": "x", "choices": [')
    assert reader.finish(is_cut=False) == Reply(is_partial=True)


def test_what_is_too_long_is_not_kept() -> None:
    body = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
    reader = ChatReplyReader(is_streamed=True, max_bytes=3 * len(body) + 10)
    for _ in range(9):
        reader.feed(body)
    reader.feed(b"data: [DONE]\n\n")
    reply = reader.finish(is_cut=False)
    assert reply.is_partial
    assert reply.message is not None
    assert reply.message.text == "aaa"


def chat_reply(message: dict[str, object]) -> Reply:
    reader = CHAT_COMPLETIONS.reply_reader(is_streamed=False)
    reader.feed(json.dumps({"choices": [{"index": 0, "message": message}]}).encode())
    return reader.finish(is_cut=False)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "It is 42."},
        {"role": "assistant", "content": None, "refusal": "No."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "assistant", "content": "ok", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "audio": {"id": "audio_1", "transcript": "hi"}},
    ],
)
def test_a_chat_reply_is_known_again_when_the_client_sends_it_back(message: dict[str, object]) -> None:
    said = chat_reply(message).message
    assert said is not None
    (sent,) = CHAT_COMPLETIONS.read(JsonDocument.parse(json.dumps({"messages": [message]}).encode())).utterances
    assert sent.fingerprint == fingerprint("assistant", said.content or said.text)


def test_a_responses_reply_is_known_again_when_the_client_sends_it_back() -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
    ]
    reader = RESPONSES.reply_reader(is_streamed=False)
    reader.feed(json.dumps({"id": "resp_1", "status": "completed", "output": output}).encode())
    said = reader.finish(is_cut=False).message
    assert said is not None
    (sent,) = RESPONSES.read(JsonDocument.parse(json.dumps({"input": output}).encode())).utterances
    assert sent.fingerprint == fingerprint("assistant", said.content or said.text)


def test_a_message_is_known_again_when_the_client_sends_it_back() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "42.", "citations": []},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"b": 1, "a": "é"}},
    ]
    reader = MESSAGES.reply_reader(is_streamed=False)
    reader.feed(json.dumps({"type": "message", "role": "assistant", "content": content}).encode())
    said = reader.finish(is_cut=False).message
    assert said is not None
    assert said.text == "It is 42."
    message = {"role": "assistant", "content": content}
    (sent,) = MESSAGES.read(JsonDocument.parse(json.dumps({"messages": [message]}).encode())).utterances
    assert sent.fingerprint == fingerprint("assistant", said.content or said.text)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_lone_surrogates_in_a_reply_can_be_encoded(dialect: str) -> None:
    reader = DIALECTS[dialect].reply_reader(is_streamed=False)
    said = b'"content": "a\\ud800"'
    item = b'{"type": "message", ' + said + b"}"
    block = b'"content": [{"type": "text", "text": "a\\ud800"}]'
    choice = b'{"text": "a\\ud800", "message": {' + said + b"}}"
    reader.feed(b'{"choices": [' + choice + b'], "output": [' + item + b"], " + block + b"}")
    message = reader.finish(is_cut=False).message
    assert message is not None
    assert message.text == "a\ufffd"


def test_a_block_that_a_model_repeats_is_not_stored() -> None:
    said = chat_reply({"content": "You hike.\n\n<memory-0123456789ab>\nAlice: hi\n</memory-0123456789ab>"}).message
    assert said is not None
    assert said.text == "You hike."


def test_events_of_a_socket_are_read_like_a_stream() -> None:
    reply = read_response_events(
        [
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"},
            {
                "type": "response.completed",
                "response": {"id": "resp_1", "status": "completed", "usage": {"input_tokens": 1}},
            },
        ]
    )
    assert reply.message is not None
    assert (reply.message.text, reply.is_partial, reply.usage) == ("Hi", False, Usage(input_tokens=1))
