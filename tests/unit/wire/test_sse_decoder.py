"""Server-sent events, however they are cut and ended."""

from __future__ import annotations

import pytest

from recollect.wire.sse import SseDecoder, SseEvent, stream_data

STREAM = "\ufeff: comment\nid: 7\nevent: greeting\ndata: hé\ndata:  ✓\nretry: 5\n\n\n\ndata\n\ndata:x\nodd: y\n\n"
EVENTS = [SseEvent("greeting", "hé\n ✓"), SseEvent("message", ""), SseEvent("message", "x")]


def decode(*chunks: bytes) -> list[SseEvent]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.flush()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_events_are_the_same_cut_anywhere(line_end: str) -> None:
    stream = STREAM.replace("\n", line_end).encode()
    assert decode(stream) == EVENTS
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == EVENTS
    for cut in range(len(stream)):
        assert decode(stream[:cut], stream[cut:]) == EVENTS, cut


def test_an_event_is_given_when_its_blank_line_has_come() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [SseEvent("message", "a")]


def test_a_return_ends_an_event_without_waiting_for_a_newline() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\r") == [SseEvent("message", "a")]
    assert decoder.feed(b"\ndata: b\n\n") == [SseEvent("message", "b")]


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r"])
def test_a_missing_blank_line_at_the_end_is_forgiven(tail: bytes) -> None:
    assert decode(b"data: a\n\n", tail) == [SseEvent("message", "a"), SseEvent("message", "[DONE]")]


def test_comments_and_events_without_data_give_nothing() -> None:
    assert decode(b": ping\n\n", b"event: ping\n\n", b"id: 1\n\n") == []


def test_the_name_of_an_event_without_data_does_not_stick() -> None:
    assert decode(b"event: ping\n\ndata: a\n\n") == [SseEvent("message", "a")]


def test_broken_utf8_becomes_replacement_characters() -> None:
    assert decode(b"data: a\xffb\n\n") == [SseEvent("message", "a\ufffdb")]


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_what_is_too_long_is_dropped_and_the_rest_still_read(piece: int) -> None:
    stream = b"data: " + b"x" * 500 + b"\n\n" + b"data: ok\n\n"
    decoder = SseDecoder(max_event_bytes=100)
    events = [event for at in range(0, len(stream), piece) for event in decoder.feed(stream[at : at + piece])]
    assert events == [SseEvent("message", "ok")]
    assert decoder.has_overflown


def test_many_lines_of_one_event_are_bounded_together() -> None:
    decoder = SseDecoder(max_event_bytes=100)
    assert decoder.feed(b"data: 0123456789\n" * 50 + b"\ndata: ok\n\n") == [SseEvent("message", "ok")]
    assert decoder.has_overflown


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "stream",
    [
        STREAM,
        "data: a\n\ndata: b",
        "data: a\n\ndata: b\n",
        "\n\n\ndata: a\n\n\ndata:b\n\n\n\n",
        "event: x\n\ndata: a\n\n: c\ndata: b\ndata: c\n\n",
        "data: a\n: comment",
        "\ufeffdata: a\n\n",
        "",
    ],
)
def test_a_whole_stream_gives_what_the_decoder_gives(stream: str, line_end: str) -> None:
    raw = stream.replace("\n", line_end).encode()
    assert stream_data(raw) == [event.data.encode() for event in decode(raw)]
