from __future__ import annotations

import asyncio

import pytest

from recollect.domain.requests import RequestFilter
from recollect.errors import StoreUnavailableError
from recollect.stores.in_memory import in_memory_store
from recollect.testing.store_suite.requests import LEFT
from recollect.testing.store_suite.samples import PROJECT
from recollect.worker import RequestLog


class AwayAtFirst:
    """A store of requests that does not answer ``failures`` times."""

    def __init__(self, failures):
        self.inner = in_memory_store().requests
        self.failures = failures
        self.batches = []

    async def put_requests(self, records, bodies=()):
        if self.failures:
            self.failures -= 1
            message = "away"
            raise StoreUnavailableError(message)
        self.batches.append(len(records))
        await self.inner.put_requests(records, bodies)

    async def ids(self):
        return [one.id for one in await self.inner.list_requests(PROJECT, RequestFilter(limit=99_999))]


def numbered(number):
    return LEFT._replace(id=f"req_{number:05}")


async def test_records_are_written_together_a_moment_later():
    store = AwayAtFirst(0)
    log = RequestLog(store, delay_s=0.01)
    for number in range(3):
        log.ended(numbered(number))
    assert store.batches == []
    for _ in range(200):
        await asyncio.sleep(0.01)
        if store.batches:
            break
    assert store.batches == [3]
    await log.stop()


async def test_nobody_s_request_is_not_kept():
    store = AwayAtFirst(0)
    log = RequestLog(store)
    log.ended(LEFT._replace(project=None))
    await log.stop()
    assert store.batches == []


async def test_what_waits_is_written_at_the_end_in_batches():
    store = AwayAtFirst(0)
    log = RequestLog(store, delay_s=60)
    for number in range(1201):
        log.ended(numbered(number))
    await log.stop()
    assert store.batches == [500, 500, 201]
    assert len(await store.ids()) == 1201


async def test_what_comes_while_others_are_written_waits_for_the_next_time():
    class Busy(AwayAtFirst):
        async def put_requests(self, records, bodies=()):
            if len(self.batches) < 20:
                log.ended(numbered(100 + len(self.batches)))
            await super().put_requests(records, bodies)

    store = Busy(0)
    log = RequestLog(store, delay_s=60)
    log.ended(numbered(1))
    log.ended(numbered(2))
    await log.flush()
    assert store.batches == [2]
    await log.flush()
    assert store.batches == [2, 1]
    await log.stop()
    assert store.batches == [2, *[1] * 20]


async def test_a_store_that_is_away_gets_them_later():
    store = AwayAtFirst(1)
    log = RequestLog(store, delay_s=60)
    log.ended(numbered(1))
    await log.flush()
    assert store.batches == []
    log.ended(numbered(2))
    await log.stop()
    assert await store.ids() == ["req_00002", "req_00001"]


async def test_what_waits_is_bounded_and_the_oldest_goes_first():
    store = AwayAtFirst(1)
    log = RequestLog(store, delay_s=60, most_waiting=3)
    for number in range(5):
        log.ended(numbered(number))
    await log.flush()
    log.ended(numbered(5))
    await log.stop()
    assert await store.ids() == ["req_00005", "req_00004", "req_00003"]


@pytest.mark.parametrize("count", [0, 1])
async def test_flushing_again_writes_nothing_twice(count):
    store = AwayAtFirst(0)
    log = RequestLog(store, delay_s=60)
    for number in range(count):
        log.ended(numbered(number))
    await asyncio.gather(log.flush(), log.flush())
    assert store.batches == [1] * count
    await log.stop()
