"""A stream that begins before the provider has answered."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from recollect.domain.controls import Controls
from recollect.domain.ids import TraceId
from recollect.domain.recall import Strategy
from recollect.errors import UpstreamConnectError
from recollect.exchange.exchange import Exchange
from recollect.exchange.ports import IncomingRequest
from recollect.exchange.progress import telling_sink
from recollect.wire.prompt import Prompt
from tests.unit.exchange.conftest import Sink

STREAM = ((b"content-type", b"text/event-stream"), (b"x-memory-status", b"injected"))
PLAIN = ((b"content-type", b"application/json"),)
EVENT = b'data: {"choices":[]}\n\n'
DIALECTS = ("chat/completions", "responses", "messages")


def exchange(*, strategy=Strategy.AGENTIC, is_streamed=True, dialect="chat/completions"):
    headers = ((b"accept-encoding", b"gzip"), (b"authorization", b"Bearer x"))
    made = Exchange(IncomingRequest("POST", dialect, "", headers, b""), TraceId("req_1"), None)
    made.controls = replace(Controls(), strategy=strategy)
    made.prompt = Prompt(dialect=dialect, model="m", is_streamed=is_streamed)
    return made


@pytest.fixture
def sink():
    return Sink()


@pytest.mark.parametrize(("strategy", "is_streamed"), [(Strategy.BALANCED, True), (Strategy.AGENTIC, False)])
def test_only_a_streaming_client_of_agentic_is_told(sink, strategy, is_streamed):
    asked = exchange(strategy=strategy, is_streamed=is_streamed)
    assert telling_sink(asked, "chat/completions", sink) is None
    assert asked.on_progress is None


async def test_without_a_note_it_is_the_sink_itself(sink):
    telling = telling_sink(exchange(), "chat/completions", sink)
    await telling.start(429, PLAIN)
    await telling.send(b"{")
    await telling.end(b"}")
    assert (sink.status, sink.body, sink.ended) == (429, b"{}", True)
    assert not await telling.fail(UpstreamConnectError("nobody there"))


async def test_notes_come_first_and_the_head_as_comments(sink):
    asked = exchange()
    telling = telling_sink(asked, "chat/completions", sink)
    await asked.on_progress("search")
    assert (sink.status, sink.body) == (200, b": recall search\n\n")
    assert sink.headers["content-type"].startswith("text/event-stream")
    assert sink.headers["x-memory-request-id"] == "req_1"
    assert [name for name, _ in asked.request.headers] == [b"authorization"]
    await asked.on_progress("timeline")
    await telling.start(200, STREAM)
    await telling.send(EVENT)
    await telling.end(b"data: [DONE]\n\n")
    told = b": recall search\n\n: recall timeline\n\n: x-memory-status: injected\n\n"
    assert sink.body == told + EVENT + b"data: [DONE]\n\n"
    assert sink.ended


async def test_a_compressed_reply_is_told_plainly(sink):
    telling = telling_sink(exchange(), "chat/completions", sink)
    await telling.note("search")
    await telling.start(200, (*STREAM, (b"content-encoding", b"gzip")))
    await telling.end(gzip.compress(EVENT))
    assert sink.body.endswith(EVENT)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_providers_error_is_an_event_in_its_words(sink, dialect):
    telling = telling_sink(exchange(dialect=dialect), dialect, sink)
    await telling.note("search")
    await telling.start(429, PLAIN)
    await telling.end(b'{"error": {"message": "slow down", "type": "rate_limit"}}')
    event = json.loads(sink.body.rpartition(b"data: ")[2])
    assert (event.get("error") or event)["message"] == "slow down"
    assert sink.ended


@pytest.mark.parametrize(
    ("status", "body", "words"), [(502, b"<html>", "HTTP 502"), (200, b'{"choices": []}', "something else")]
)
async def test_what_is_no_stream_is_an_error(sink, status, body, words):
    telling = telling_sink(exchange(), "chat/completions", sink)
    await telling.note("search")
    await telling.start(status, PLAIN)
    await telling.end(body)
    assert words in json.loads(sink.body.rpartition(b"data: ")[2])["error"]["message"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_error_of_ours_is_the_last_event(sink, dialect):
    telling = telling_sink(exchange(dialect=dialect), dialect, sink)
    await telling.note("search")
    assert await telling.fail(UpstreamConnectError("nobody there"))
    assert b"nobody there" in sink.body
    assert sink.ended


async def test_a_break_stays_a_break(sink):
    telling = telling_sink(exchange(), "chat/completions", sink)
    await telling.note("search")
    await telling.start(200, (*STREAM, (b"content-encoding", b"gzip")))
    await telling.end(b"not compressed at all")
    assert sink.aborted
    assert not sink.ended
