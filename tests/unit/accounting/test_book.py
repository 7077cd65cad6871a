"""Sums that are written down a moment later."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

from recollect.accounting import book as book_module
from recollect.accounting.book import UsageBook
from recollect.domain.budgets import Charge, Scope, parse_limit
from recollect.domain.usage import Payer, UsageAccount, UsageCounts, UsageQuery
from recollect.errors import StoreUnavailableError
from recollect.stores.in_memory import in_memory_store

ACCOUNT = UsageAccount(date(2026, 5, 4), Payer("p", "", "alice"), "openai", "m")
ONE = UsageCounts(requests=1, input_tokens=10)
LIMIT = parse_limit("100 tokens/day")


def charge(amount):
    return Charge(Scope("user", "p", "alice"), LIMIT, *LIMIT.period.window(datetime(2026, 5, 4, tzinfo=UTC)), amount)


class Away:
    """A store that takes nothing until it is back."""

    def __init__(self):
        self.is_away = True
        self.store = in_memory_store().usage

    async def add_usage(self, totals, changes=()):
        if self.is_away:
            message = "away"
            raise StoreUnavailableError(message)
        await self.store.add_usage(totals, changes)

    async def requests(self):
        return [line.counts.requests for line in await self.store.usage(UsageQuery("p"))]


async def test_sums_are_written_by_themselves():
    store = in_memory_store().usage
    book = UsageBook(store, write_after_s=0.001)
    book.add(ACCOUNT, ONE)
    book.add(ACCOUNT, ONE)
    for _ in range(500):
        if await store.usage(UsageQuery("p")):
            break
        await asyncio.sleep(0.01)
    (line,) = await store.usage(UsageQuery("p"))
    assert line.counts == book.total == ONE.plus(ONE)


async def test_closing_writes_what_is_left():
    store = in_memory_store().usage
    book = UsageBook(store, write_after_s=3600)
    book.add(ACCOUNT, ONE)
    book.change(charge(7))
    await book.close()
    assert [line.counts for line in await store.usage(UsageQuery("p"))] == [ONE]
    assert (await store.reserve([charge(1)]))[0].used == 7


async def test_a_store_that_is_away_gets_everything_once_it_is_back():
    away = Away()
    book = UsageBook(away, write_after_s=3600)
    book.add(ACCOUNT, ONE)
    book.change(charge(7))
    assert not await book.flush()
    book.add(ACCOUNT, ONE)
    book.change(charge(3))
    assert not await book.flush()
    away.is_away = False
    assert await book.flush()
    assert await away.requests() == [2]
    assert (await away.store.reserve([charge(1)]))[0].used == 10
    assert await book.flush()
    assert await away.requests() == [2]
    await book.close()


async def test_what_is_kept_has_a_bound(monkeypatch):
    monkeypatch.setattr(book_module, "MOST_LINES", 2)
    away = Away()
    book = UsageBook(away, write_after_s=3600)
    for _ in range(3):
        book.change(charge(1))
    await book.flush()
    away.is_away = False
    book.add(ACCOUNT, ONE)
    assert await book.flush()
    assert (await away.store.reserve([charge(1)]))[0].used == 0
    await book.close()


async def test_what_a_reader_could_not_write_is_written_later():
    class Slow(Away):
        async def add_usage(self, totals, changes=()):
            await asyncio.sleep(0.02)  # meanwhile, the writer looks for sums, and finds none
            await super().add_usage(totals, changes)

    store = Slow()
    book = UsageBook(store, write_after_s=0.001)
    book.add(ACCOUNT, ONE)
    assert not await book.flush()
    store.is_away = False
    for _ in range(500):
        if await store.store.usage(UsageQuery("p")):
            break
        await asyncio.sleep(0.01)
    assert await store.requests() == [1]
    await book.close()
