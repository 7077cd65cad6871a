from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError
from recollect.providers.retries import RetryingUpstream, RetryPolicy, retry_after_s
from tests.unit.providers.fakes import REQUEST, BrokenReply, Clock, FakeUpstream, read, reply


def retrying(*outcomes, luck=1.0, **policy):
    fake, clock = FakeUpstream(*outcomes), Clock()
    made = RetryingUpstream(fake, RetryPolicy(**policy), sleep=clock.sleep, luck=lambda: luck, clock=clock)
    return made, fake, clock


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
async def test_statuses_that_are_tried_again(status):
    made, fake, clock = retrying((status,), (200,))
    assert await read(await made.send(REQUEST)) == b"body"
    assert len(fake.requests) == 2
    assert fake.requests[0] is fake.requests[1]
    assert clock.slept == [0.5]


@pytest.mark.parametrize("status", [200, 201, 307, 400, 401, 403, 404, 413, 422])
async def test_statuses_that_are_not(status):
    made, fake, clock = retrying((status,))
    assert (await made.send(REQUEST)).status == status
    assert len(fake.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize("error", [UpstreamConnectError("x"), UpstreamTimeoutError("x"), UpstreamBrokenError("x")])
async def test_errors_that_are_tried_again(error):
    made, fake, _ = retrying(error, (200,))
    assert (await made.send(REQUEST)).status == 200
    assert len(fake.requests) == 2


async def test_a_reply_that_breaks_before_its_first_byte_is_tried_again():
    made, fake, _ = retrying(BrokenReply(200, (), []), (200,))
    assert await read(await made.send(REQUEST)) == b"body"
    assert len(fake.requests) == 2


async def test_a_reply_that_breaks_after_its_first_byte_is_not():
    made, fake, _ = retrying(BrokenReply(200, (), [b"one"]), (200,))
    answer = await made.send(REQUEST)
    chunks = answer.chunks()
    assert await anext(chunks) == b"one"
    with pytest.raises(UpstreamBrokenError):
        await anext(chunks)
    assert len(fake.requests) == 1


async def test_an_empty_reply_is_one():
    made, _, _ = retrying((204, (), b""))
    assert await read(await made.send(REQUEST)) == b""


async def test_waits_grow_and_are_shaken():
    made, _, clock = retrying(*[(500,)] * 8, luck=0.5, tries=8, cap_s=4.0)
    await made.send(REQUEST)
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0]


async def test_retry_after_is_obeyed():
    made, _, clock = retrying((429, [(b"retry-after", b"7")]), (429, [(b"retry-after-ms", b"250")]), (200,))
    assert (await made.send(REQUEST)).status == 200
    assert clock.slept == [7.0, 0.25]


async def test_a_long_retry_after_is_the_clients():
    made, fake, clock = retrying((429, [(b"retry-after", b"120")]))
    answer = await made.send(REQUEST)
    assert answer.headers == ((b"retry-after", b"120"),)
    assert len(fake.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize(
    ("status", "word", "tries"),
    [(500, b"false", 1), (429, b"False", 1), (400, b"true", 3), (503, b"", 3), (200, b"true", 1)],
)
async def test_the_providers_word_counts(status, word, tries):
    made, fake, _ = retrying(*[(status, [(b"x-should-retry", word)])] * 3)
    await made.send(REQUEST)
    assert len(fake.requests) == tries


async def test_spent_tries_are_told_to_the_client():
    made, fake, _ = retrying(
        (500,), (429, [(b"x-should-retry", b"true"), (b"x-request-id", b"r")], b"the last"), tries=2
    )
    answer = await made.send(REQUEST)
    assert answer.status == 429
    assert answer.headers == ((b"x-request-id", b"r"), (b"retry-after", b"8"), (b"x-should-retry", b"false"))
    assert await read(answer) == b"the last"
    assert [await read(answer) for answer in fake.replies] == [b"", b""]


async def test_the_last_retry_after_is_kept():
    made, _, _ = retrying(*[(429, [(b"retry-after", b"3")])] * 2, tries=2)
    assert (await made.send(REQUEST)).headers == ((b"retry-after", b"3"), (b"x-should-retry", b"false"))


async def test_spent_tries_raise_the_last_error():
    made, fake, _ = retrying((500,), UpstreamTimeoutError("late"), tries=2)
    with pytest.raises(UpstreamTimeoutError, match="late"):
        await made.send(REQUEST)
    assert len(fake.requests) == 2


async def test_no_try_begins_after_the_deadline():
    made, fake, clock = retrying(*[(503, [(b"retry-after", b"4")])] * 9, tries=9, deadline_s=10.0)
    await made.send(REQUEST)
    assert len(fake.requests) == 3
    assert clock.now == 1008.0


async def test_an_upload_is_sent_once():
    async def pieces():
        yield b"x"

    made, fake, _ = retrying((500,), (200,))
    assert (await made.send(REQUEST._replace(body=pieces()))).status == 500
    assert len(fake.requests) == 1


async def test_cancelling_ends_the_tries():
    made, fake, _ = retrying(asyncio.CancelledError(), (200,))
    with pytest.raises(asyncio.CancelledError):
        await made.send(REQUEST)
    assert len(fake.requests) == 1


async def test_closing_reaches_the_upstream():
    made, fake, _ = retrying()
    await made.close()
    assert fake.is_closed


async def test_closing_a_reply_reaches_the_upstreams():
    made, fake, _ = retrying(reply(200))
    answer = await made.send(REQUEST)
    await answer.close()
    assert await read(fake.replies[0]) == b""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([(b"retry-after", b"3")], 3.0),
        ([(b"retry-after", b"0.5")], 0.5),
        ([(b"retry-after-ms", b"50"), (b"retry-after", b"1")], 0.05),
        ([(b"retry-after", b"Fri, 31 Dec 1999 23:59:59 GMT")], 59.0),
        ([(b"retry-after", b"Fri, 31 Dec 1999 23:00:00 GMT")], 0.0),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"-1")], None),
        ([(b"retry-after", b"nan")], None),
        ([(b"retry-after", b"inf")], None),
    ],
)
def test_how_retry_after_is_spelt(headers, seconds):
    assert retry_after_s(tuple(headers), now=lambda: 946684740.0) == seconds


@given(st.integers(1, 50), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_cap(tried, luck):
    wait = RetryPolicy(tries=51).wait_s(tried, None, luck)
    assert wait is not None
    assert 0 <= wait <= 8
