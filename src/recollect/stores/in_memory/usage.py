"""Totals and budgets in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.budgets import Standing
from recollect.domain.usage import UsageCounts, UsageGroup, UsageTotal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from recollect.domain.budgets import Charge
    from recollect.domain.ids import ProjectId
    from recollect.domain.usage import UsageAccount, UsageQuery
    from recollect.stores.in_memory.state import MemoryState


class InMemoryUsage:
    """Implements :class:`recollect.stores.base.UsageStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def add_usage(self, totals: Mapping[UsageAccount, UsageCounts], changes: Sequence[Charge] = ()) -> None:
        """See :meth:`UsageStore.add_usage`."""
        self._state.ensure_open()
        for account, counts in totals.items():
            self._state.usage[account] = self._state.usage.get(account, UsageCounts()).plus(counts)
        self._charge(changes)

    async def usage(self, query: UsageQuery) -> list[UsageTotal]:
        """See :meth:`UsageStore.usage`."""
        self._state.ensure_open()
        sums: dict[tuple[str, ...], UsageCounts] = {}
        for account, counts in self._state.usage.items():
            if _matches(account, query):
                group = tuple(_value(account, one) for one in UsageGroup if one in query.group_by)
                sums[group] = sums.get(group, UsageCounts()).plus(counts)
        groups = [one for one in UsageGroup if one in query.group_by]
        return [UsageTotal(dict(zip(groups, group, strict=True)), sums[group]) for group in sorted(sums)]

    async def reserve(self, charges: Sequence[Charge]) -> list[Standing]:
        """See :meth:`UsageStore.reserve`."""
        self._state.ensure_open()
        standings = [Standing(one, self._state.windows.get(_window(one), 0)) for one in charges]
        if all(one.fits for one in standings):
            self._charge(charges)
        return standings

    async def prune_windows(self, ended_before: datetime) -> int:
        """See :meth:`UsageStore.prune_windows`."""
        self._state.ensure_open()
        ended = [window for window in self._state.windows if window[3] < ended_before]
        for window in ended:
            del self._state.windows[window]
        return len(ended)

    def _charge(self, charges: Sequence[Charge]) -> None:
        for one in charges:
            used = self._state.windows.get(_window(one), 0)
            self._state.windows[_window(one)] = max(0, used + one.amount)


def without_name(
    usage: Mapping[UsageAccount, UsageCounts], project: ProjectId, user: str
) -> dict[UsageAccount, UsageCounts]:
    """What an erased user took stays in the totals, the name does not."""
    kept: dict[UsageAccount, UsageCounts] = {}
    for known, counts in usage.items():
        is_theirs = (known.payer.project, known.payer.user) == (project, user)
        account = known._replace(payer=known.payer._replace(user="")) if is_theirs else known
        kept[account] = kept.get(account, UsageCounts()).plus(counts)
    return kept


def _window(charge: Charge) -> tuple[str, str, datetime, datetime]:
    return charge.scope.digest, charge.limit.measure.value, charge.starts_at, charge.ends_at


def _matches(account: UsageAccount, query: UsageQuery) -> bool:
    return (
        account.payer.project == query.project
        and (query.first is None or account.day >= query.first)
        and (query.last is None or account.day <= query.last)
        and query.key in {None, account.payer.key}
        and query.user in {None, account.payer.user}
        and query.model in {None, account.model}
    )


def _value(account: UsageAccount, group: UsageGroup) -> str:
    match group:
        case UsageGroup.DAY:
            return account.day.isoformat()
        case UsageGroup.KEY:
            return account.payer.key
        case UsageGroup.USER:
            return account.payer.user
        case UsageGroup.PROVIDER:
            return account.provider
        case UsageGroup.MODEL:
            return account.model
