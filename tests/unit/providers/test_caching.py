from __future__ import annotations

import gzip

import pytest

from recollect.errors import UpstreamBrokenError
from recollect.providers.base import UpstreamRequest
from recollect.providers.caching import CachingUpstream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.response_cache import ResponseCache
from tests.unit.providers.fakes import BrokenReply, FakeUpstream, read

CHAT = UpstreamRequest("POST", "https://p.example/v1/chat/completions", (), b'{"model":"m"}', project="p1")
PLAIN = ((b"content-type", b"application/json"),)
STREAM = ((b"content-type", b"text/event-stream"),)
SAID = b'{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"message":"overloaded"}}\n\n'


def mark(reply):
    return [value for name, value in reply.headers if name == b"x-memory-cache"]


async def asked(reply, request=CHAT):
    """Ask twice for the same; what came, how it was marked, and how often the provider was asked."""
    upstream = FakeUpstream(reply, InMemoryReply(200, PLAIN, [SAID]))
    caching = CachingUpstream(upstream, ResponseCache())
    first = await caching.send(request)
    first_body = await read(first)
    second = await caching.send(request)
    return first_body, await read(second), mark(first), mark(second), len(upstream.requests)


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        (PLAIN, [SAID]),
        ((*PLAIN, (b"content-length", str(len(SAID)).encode())), [SAID[:9], SAID[9:]]),
        (STREAM, [DELTA, STOP, DONE]),
        ((*STREAM, (b"content-encoding", b"gzip")), [gzip.compress(DELTA + STOP + DONE)]),
    ],
)
async def test_a_whole_reply_is_given_again_byte_for_byte(headers, pieces):
    first, second, missed, hit, calls = await asked(InMemoryReply(200, headers, pieces))
    assert first == second == b"".join(pieces)
    assert (missed, hit, calls) == ([b"miss"], [b"hit"], 1)


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        (STREAM, [DELTA]),
        (STREAM, [DELTA, ERROR, DONE]),
        (STREAM, [DONE]),
        (PLAIN, [b'{"error":{"message":"overloaded"}}']),
        (PLAIN, [b"<html>"]),
    ],
)
async def test_what_is_not_whole_or_tells_of_an_error_is_not(headers, pieces):
    *_, missed, again, calls = await asked(InMemoryReply(200, headers, pieces))
    assert (missed, again, calls) == ([b"miss"], [b"miss"], 2)


async def test_a_stream_that_breaks_off_is_not_kept_although_it_said_its_last_word():
    upstream = FakeUpstream(
        BrokenReply(200, STREAM, [DELTA, STOP, DONE]), InMemoryReply(200, STREAM, [DELTA, STOP, DONE])
    )
    caching = CachingUpstream(upstream, ResponseCache())
    with pytest.raises(UpstreamBrokenError):
        await read(await caching.send(CHAT))
    assert mark(await caching.send(CHAT)) == [b"miss"]


async def test_without_a_project_nothing_is_kept_or_said():
    *_, missed, again, calls = await asked(InMemoryReply(200, PLAIN, [SAID]), CHAT._replace(project=None))
    assert (missed, again, calls) == ([], [], 2)


async def test_a_client_may_ask_for_a_fresh_answer():
    upstream = FakeUpstream(*(InMemoryReply(200, PLAIN, [SAID.replace(b"Hi", name)]) for name in (b"A", b"B", b"C")))
    caching = CachingUpstream(upstream, ResponseCache())
    fresh = CHAT._replace(headers=((b"cache-control", b"no-cache"),))
    private = CHAT._replace(headers=((b"cache-control", b"No-Store"),))
    assert b"A" in await read(await caching.send(CHAT))
    assert b"B" in await read(await caching.send(fresh))
    assert b"C" in await read(await caching.send(private))
    assert b"B" in await read(await caching.send(CHAT))


async def test_closing_closes_the_upstream():
    upstream = FakeUpstream()
    await CachingUpstream(upstream, ResponseCache()).close()
    assert upstream.is_closed
