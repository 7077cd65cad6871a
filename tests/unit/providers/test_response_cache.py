from __future__ import annotations

import pytest

from recollect.errors import UpstreamBrokenError
from recollect.providers.base import UpstreamRequest
from recollect.providers.response_cache import CachePolicy, ResponseCache
from tests.unit.providers.fakes import BrokenReply, Clock, read, reply

ASK = UpstreamRequest(
    "POST", "https://p.example/v1/embeddings", ((b"authorization", b"Bearer k"), (b"accept", b"a")), b'{"a": 1}'
)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    return ResponseCache(CachePolicy(ttl_s=60, max_bytes=80_000), clock=clock)


async def answer(cache, request=ASK, made=None, *, project="p1"):
    recording = cache.record(project, request, made or reply(200, [(b"x-request-id", b"r")], b"hello"))
    body = await read(recording)
    return recording.keep(), body


async def test_the_same_request_gets_the_same_reply(cache, clock):
    assert cache.find("p1", ASK) is None
    assert await answer(cache) == (True, b"hello")
    clock.now += 7
    for _ in range(2):
        found = cache.find("p1", ASK)
        assert (found.status, await read(found)) == (200, b"hello")
        assert found.headers == ((b"x-request-id", b"r"), (b"age", b"7"))


@pytest.mark.parametrize(
    "other",
    [
        ASK._replace(body=b'{"a": 2}'),
        ASK._replace(body=b'{"a":1}'),
        ASK._replace(url="https://q.example/v1/embeddings"),
        ASK._replace(headers=((b"authorization", b"Bearer other"), (b"accept", b"a"))),
        ASK._replace(headers=((b"authorization", b"Bearer k"), (b"accept", b"a"), (b"openai-beta", b"x"))),
    ],
)
async def test_another_request_does_not(cache, other):
    await answer(cache)
    assert cache.find("p1", other) is None


async def test_projects_never_meet(cache):
    await answer(cache)
    assert cache.find("p2", ASK) is None


async def test_what_names_only_the_try_does_not_count(cache):
    await answer(cache)
    noise = ((b"user-agent", b"x"), (b"x-stainless-retry-count", b"1"), (b"idempotency-key", b"i"))
    assert cache.find("p1", ASK._replace(headers=(*noise, *reversed(ASK.headers)))) is not None


async def test_a_reply_grows_old(cache, clock):
    await answer(cache)
    clock.now += 61
    assert cache.find("p1", ASK) is None
    assert cache.size_bytes == 0


@pytest.mark.parametrize("status", [201, 400, 429, 500])
async def test_only_successes_are_kept(cache, status):
    assert await answer(cache, made=reply(status)) == (False, b"body")
    assert cache.find("p1", ASK) is None


async def test_what_broke_off_is_not_kept(cache):
    recording = cache.record("p1", ASK, BrokenReply(200, (), [b"one"]))
    with pytest.raises(UpstreamBrokenError):
        await read(recording)
    assert not recording.keep()


async def test_what_was_not_read_to_its_end_is_not_kept(cache):
    recording = cache.record("p1", ASK, reply(200))
    await anext(recording.chunks())
    await recording.close()
    assert not recording.keep()


async def test_the_announced_length_is_the_end(cache):
    recording = cache.record("p1", ASK, reply(200, [(b"content-length", b"4")]))
    chunks = recording.chunks()
    assert await anext(chunks) == b"body"
    assert recording.keep()
    await chunks.aclose()
    assert cache.entries == 1


async def test_what_nobody_kept_is_not_there(cache):
    assert await read(cache.record("p1", ASK, reply(200))) == b"body"
    assert cache.find("p1", ASK) is None


async def test_one_reply_cannot_take_everything(cache):
    large = b"x" * 10_001
    assert await answer(cache, made=reply(200, body=large)) == (False, large)
    assert cache.size_bytes == 0


async def test_the_least_used_goes_first(cache):
    requests = [ASK._replace(body=b"%d" % number) for number in range(9)]
    for request in requests[:8]:
        await answer(cache, request, reply(200, body=b"x" * 9_000))
    assert cache.find("p1", requests[0]) is not None
    await answer(cache, requests[8], reply(200, body=b"x" * 9_000))
    assert cache.size_bytes <= 80_000
    assert cache.find("p1", requests[0]) is not None
    assert cache.find("p1", requests[1]) is None


async def test_keeping_again_replaces(cache):
    await answer(cache)
    size = cache.size_bytes
    await answer(cache, made=reply(200, [(b"x-request-id", b"s")], b"hallo"))
    assert cache.size_bytes == size
    assert await read(cache.find("p1", ASK)) == b"hallo"
    cache.clear()
    assert cache.find("p1", ASK) is None


@pytest.mark.parametrize(
    "request_",
    [
        ASK._replace(method="GET"),
        ASK._replace(body=None),
        ASK._replace(url="https://p.example/v1/batches"),
        ASK._replace(url="https://p.example/v1/images/generations"),
        ASK._replace(url="https://p.example/v1/responses", body=b'{"input":"a","conversation":"conv_1"}'),
        ASK._replace(url="https://p.example/v1/responses", body=b'{"input":"a","background":true}'),
    ],
)
async def test_only_what_can_be_asked_twice_is_kept(cache, request_):
    assert await answer(cache, request_) == (False, b"hello")


async def test_cookies_are_one_clients(cache):
    await answer(cache, made=reply(200, [(b"set-cookie", b"a=1"), (b"date", b"today")]))
    assert cache.find("p1", ASK).headers == ((b"age", b"0"),)
