"""Replies in the shapes that providers document, read whole, cut anywhere, and with every line ending.

Each file in ``recordings`` is one reply; ``expectations.json`` says what memory must make of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recollect.wire.dialects import DIALECTS
from recollect.wire.prompt import Reply

RECORDINGS = Path(__file__).parent / "recordings"
EXPECTATIONS: dict[str, dict[str, Any]] = json.loads((RECORDINGS / "expectations.json").read_text("utf-8"))
STREAMS = [name for name in EXPECTATIONS if name.endswith(".sse")]


def reply_to(name: str, *chunks: bytes, is_streamed: bool | None = None, is_cut: bool = False) -> Reply:
    streamed = name.endswith(".sse") if is_streamed is None else is_streamed
    reader = DIALECTS[EXPECTATIONS[name]["dialect"]].reply_reader(is_streamed=streamed)
    for chunk in chunks:
        reader.feed(chunk)
    return reader.finish(is_cut=is_cut)


def recording(name: str) -> bytes:
    return (RECORDINGS / name).read_bytes()


def calls_of(reply: Reply) -> list[list[str | None]] | None:
    content = json.loads(reply.message.content) if reply.message and reply.message.content else {}
    found = content.get("tool_calls")
    return found and [[call["id"], call["function"]["name"], call["function"]["arguments"]] for call in found]


def test_every_recording_has_an_expectation() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} == {*EXPECTATIONS, "expectations.json"}


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_a_reply_is_read(name: str) -> None:
    expected = EXPECTATIONS[name]
    reply = reply_to(name, recording(name))
    assert (reply.message and reply.message.text) == expected["text"]
    assert calls_of(reply) == expected.get("calls")
    if "content" in expected:
        assert reply.message is not None
        assert reply.message.content == expected["content"]
    assert reply.is_partial is expected.get("is_partial", False)
    assert reply.response_id == expected.get("response_id")
    assert reply.conversation_id == expected.get("conversation_id")
    assert reply.finish_reason == expected.get("finish_reason")
    assert reply.error == expected.get("error")
    usage = reply.usage
    assert (usage and [usage.input_tokens, usage.output_tokens, usage.cached_tokens]) == expected.get("usage")


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_a_reply_is_the_same_in_whatever_chunks_it_comes(name: str) -> None:
    raw = recording(name)
    whole = reply_to(name, raw)
    assert reply_to(name, *(raw[at : at + 1] for at in range(len(raw)))) == whole
    for cut in range(0, len(raw), 7):
        assert reply_to(name, raw[:cut], raw[cut:]) == whole


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_line_endings_and_marks_make_no_difference(name: str, line_end: bytes) -> None:
    raw = recording(name)
    whole = reply_to(name, raw)
    assert reply_to(name, b"\xef\xbb\xbf" + raw.replace(b"\n", line_end)) == whole
    assert reply_to(name, raw.replace(b"\n\n", b"\n\n: ping\n\nevent: ping\n\n")) == whole
    assert reply_to(name, raw.replace(b"data: ", b"data:")) == whole


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_a_wrong_content_type_makes_no_difference(name: str) -> None:
    assert reply_to(name, recording(name), is_streamed=True) == reply_to(name, recording(name), is_streamed=False)


@pytest.mark.parametrize("name", [name for name in STREAMS if not EXPECTATIONS[name].get("is_partial")])
def test_a_stream_without_its_last_mark_is_whole_where_it_gave_a_reason_to_finish(name: str) -> None:
    raw = recording(name).replace(b"data: [DONE]\n\n", b"")
    reply = reply_to(name, raw)
    assert reply.is_partial is (EXPECTATIONS[name].get("finish_reason") is None)
    assert reply.message == reply_to(name, recording(name)).message


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_a_cut_reply_is_never_taken_for_more_than_it_said(name: str) -> None:
    raw = recording(name)
    whole = reply_to(name, raw)
    for cut in range(0, len(raw), 5):
        reply = reply_to(name, raw[:cut], is_cut=True)
        if reply.message is not None and whole.message is not None:
            assert whole.message.text.startswith(reply.message.text.rstrip("\ufffd"))
        if not reply.is_partial and reply.error is None:
            assert reply.message == whole.message
