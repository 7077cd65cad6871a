"""Totals by day, and the windows of budgets."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING

from recollect.domain.budgets import Charge, Scope, parse_limit
from recollect.domain.ids import ProjectId
from recollect.domain.usage import Payer, UsageAccount, UsageCounts, UsageGroup, UsageQuery
from recollect.testing.store_suite.samples import PROJECT, START, Writer

if TYPE_CHECKING:
    from recollect.stores.base import Store

_MONDAY, _TUESDAY = date(2026, 5, 4), date(2026, 5, 5)
_EVERY = UsageCounts(*range(1, 13))


def _account(day: date = _MONDAY, *, user: str = "alice", model: str = "m", project: str = PROJECT) -> UsageAccount:
    return UsageAccount(day, Payer(ProjectId(project), "key_1", user), "openai", model)


def _charge(amount: int, most: int = 100, *, name: str = "alice", minutes: int = 0) -> Charge:
    limit = parse_limit(f"{most} tokens/minute")
    starts_at, ends_at = limit.period.window(START + timedelta(minutes=minutes))
    return Charge(Scope("user", PROJECT, name), limit, starts_at, ends_at, amount)


async def _used(store: Store, *charges: Charge) -> list[int]:
    """What is used, told by charges that are too large."""
    return [one.used for one in await store.usage.reserve([*charges, _charge(101, name="nobody")])][:-1]


class UsageTests:
    """What exchanges took."""

    async def test_totals_add_up(self, store: Store) -> None:
        await store.usage.add_usage({_account(): _EVERY, _account(_TUESDAY): UsageCounts(requests=1)})
        await store.usage.add_usage({_account(): _EVERY})
        monday, tuesday = await store.usage.usage(UsageQuery(PROJECT))
        assert (monday.group, monday.counts) == ({UsageGroup.DAY: "2026-05-04"}, _EVERY.plus(_EVERY))
        assert (tuesday.group, tuesday.counts) == ({UsageGroup.DAY: "2026-05-05"}, UsageCounts(requests=1))

    async def test_totals_are_told_apart_by_what_is_asked_for(self, store: Store) -> None:
        one = UsageCounts(requests=1)
        accounts = [_account(), _account(_TUESDAY, model="n"), _account(user="bob"), _account(project="other")]
        await store.usage.add_usage(dict.fromkeys(accounts, one))
        (whole,) = await store.usage.usage(UsageQuery(PROJECT, group_by=frozenset()))
        assert (whole.group, whole.counts.requests) == ({}, 3)
        groups = frozenset({UsageGroup.USER, UsageGroup.MODEL})
        found = await store.usage.usage(UsageQuery(PROJECT, group_by=groups))
        assert [tuple(line.group.values()) for line in found] == [("alice", "m"), ("alice", "n"), ("bob", "m")]
        assert await store.usage.usage(UsageQuery(ProjectId("nobody's"))) == []

    async def test_totals_are_restricted(self, store: Store) -> None:
        one = UsageCounts(requests=1)
        accounts = [_account(), _account(_TUESDAY, model="n"), _account(_TUESDAY, user="bob")]
        await store.usage.add_usage(dict.fromkeys(accounts, one))
        for query, requests in (
            (UsageQuery(PROJECT, first=_TUESDAY, group_by=frozenset()), 2),
            (UsageQuery(PROJECT, last=_MONDAY, group_by=frozenset()), 1),
            (UsageQuery(PROJECT, user="bob", group_by=frozenset()), 1),
            (UsageQuery(PROJECT, model="m", group_by=frozenset()), 2),
            (UsageQuery(PROJECT, key="key_1", group_by=frozenset()), 3),
        ):
            assert [line.counts.requests for line in await store.usage.usage(query)] == [requests]

    async def test_erasing_a_user_takes_the_name_and_leaves_the_totals(self, store: Store) -> None:
        vault = await Writer(store).vault()
        record = await store.vaults.summarise_vault(vault)
        assert record is not None
        user = record.vault.user
        await store.usage.add_usage({_account(user=user): _EVERY, _account(user=""): _EVERY})
        await store.vaults.erase_vault(vault, START)
        (line,) = await store.usage.usage(UsageQuery(PROJECT, group_by=frozenset({UsageGroup.USER})))
        assert (line.group, line.counts) == ({UsageGroup.USER: ""}, _EVERY.plus(_EVERY))

    async def test_a_window_is_charged_until_it_is_full(self, store: Store) -> None:
        assert [one.fits for one in await store.usage.reserve([_charge(60)])] == [True]
        (refused,) = await store.usage.reserve([_charge(60)])
        assert (refused.used, refused.fits) == (60, False)
        assert [one.fits for one in await store.usage.reserve([_charge(40)])] == [True]
        assert [one.fits for one in await store.usage.reserve([_charge(0)])] == [False]
        assert [one.fits for one in await store.usage.reserve([_charge(60, minutes=1)])] == [True]
        assert [one.fits for one in await store.usage.reserve([_charge(60, name="bob")])] == [True]

    async def test_where_one_window_is_full_none_is_charged(self, store: Store) -> None:
        await store.usage.reserve([_charge(100)])
        standings = await store.usage.reserve([_charge(10, name="bob"), _charge(10)])
        assert [one.fits for one in standings] == [True, False]
        assert await _used(store, _charge(0, name="bob")) == [0]

    async def test_what_was_charged_is_set_right(self, store: Store) -> None:
        await store.usage.reserve([_charge(60)])
        await store.usage.add_usage({}, [_charge(-25), _charge(7, name="bob")])
        assert await _used(store, _charge(0), _charge(0, name="bob")) == [35, 7]
        await store.usage.add_usage({}, [_charge(-99)])
        assert await _used(store, _charge(0)) == [0]

    async def test_of_many_at_once_as_many_fit_as_there_is_room_for(self, store: Store) -> None:
        tried = await asyncio.gather(*(store.usage.reserve([_charge(1, 40)]) for _ in range(64)))
        assert sum(standing.fits for (standing,) in tried) == 40

    async def test_windows_that_have_ended_are_forgotten(self, store: Store) -> None:
        await store.usage.reserve([_charge(1), _charge(1, minutes=5)])
        assert await store.usage.prune_windows(START + timedelta(minutes=5)) == 1
        assert await _used(store, _charge(0), _charge(0, minutes=5)) == [0, 1]
