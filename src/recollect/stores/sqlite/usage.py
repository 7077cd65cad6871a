"""Totals and budgets in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recollect.domain.budgets import Standing
from recollect.domain.usage import UsageCounts, UsageGroup, UsageTotal
from recollect.stores.text import storable
from recollect.stores.times import to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from recollect.domain.budgets import Charge
    from recollect.domain.ids import ProjectId
    from recollect.domain.usage import UsageAccount, UsageQuery
    from recollect.stores.sqlite.database import Database
    from recollect.stores.sqlite.queries import Queries

RESERVE_TIMEOUT_S = 1.5
"""A request waits no longer, as while a large file is written anew: it is charged afterwards."""
_FIRST_DAY, _LAST_DAY = "0000-00-00", "9999-99-99"


class SqliteUsage:
    """Implements :class:`recollect.stores.base.UsageStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def add_usage(self, totals: Mapping[UsageAccount, UsageCounts], changes: Sequence[Charge] = ()) -> None:
        """See :meth:`UsageStore.add_usage`."""
        rows = [_row(account, counts) for account, counts in totals.items()]
        windows = [_window(one) for one in changes]

        def add(connection: sqlite3.Connection) -> None:
            connection.executemany(self._db.sql["add_usage"], rows)
            connection.executemany(self._db.sql["charge_window"], windows)

        await self._db.write(add)

    async def usage(self, query: UsageQuery) -> list[UsageTotal]:
        """See :meth:`UsageStore.usage`."""
        values: dict[str, object] = {
            "project": query.project,
            "first": query.first.isoformat() if query.first else _FIRST_DAY,
            "last": query.last.isoformat() if query.last else _LAST_DAY,
            "key": query.key,
            "user": None if query.user is None else storable(query.user),
            "model": query.model,
            **{f"by_{group}": group in query.group_by for group in UsageGroup},
        }
        sql = self._db.sql["usage"]
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return [_total(row, query) for row in rows]

    async def reserve(self, charges: Sequence[Charge]) -> list[Standing]:
        """See :meth:`UsageStore.reserve`. A power failure may undo it; the provider is then asked again, too."""
        return await self._db.write_within(
            RESERVE_TIMEOUT_S, lambda connection: self._reserve(connection, charges), is_durable=False
        )

    def _reserve(self, connection: sqlite3.Connection, charges: Sequence[Charge]) -> list[Standing]:
        windows = [_window(one) for one in charges]
        standings = []
        for charge, window in zip(charges, windows, strict=True):
            row = connection.execute(self._db.sql["window_used"], window).fetchone()
            standings.append(Standing(charge, row[0] if row else 0))
        if all(one.fits for one in standings):
            connection.executemany(self._db.sql["charge_window"], windows)
        return standings

    async def prune_windows(self, ended_before: datetime) -> int:
        """See :meth:`UsageStore.prune_windows`."""
        values = {"ended_before_us": to_us(ended_before)}
        sql = self._db.sql["prune_windows"]
        return await self._db.write_again(lambda connection: connection.execute(sql, values).rowcount)


def keep_without_name(connection: sqlite3.Connection, sql: Queries, project: ProjectId, user: str) -> None:
    """Within an erasure: what the user took stays in the totals, the name does not."""
    found = connection.execute(sql["usage_of_user"], {"project": project, "user": user})
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    connection.execute(sql["erase_usage"], {"project": project, "user": user})
    connection.executemany(sql["add_usage"], rows)


def _row(account: UsageAccount, counts: UsageCounts) -> dict[str, Any]:
    return {
        "project": account.payer.project,
        "day": account.day.isoformat(),
        "key_id": account.payer.key,
        "user": storable(account.payer.user),
        "provider": account.provider,
        "model": storable(account.model),
        **counts._asdict(),
    }


def _window(charge: Charge) -> dict[str, Any]:
    return {
        "scope": charge.scope.digest,
        "measure": charge.limit.measure.value,
        "starts_at_us": to_us(charge.starts_at),
        "ends_at_us": to_us(charge.ends_at),
        "amount": charge.amount,
    }


def _total(row: Sequence[Any], query: UsageQuery) -> UsageTotal:
    named = dict(zip(UsageGroup, row, strict=False))
    counts = UsageCounts(*row[len(UsageGroup) :])
    return UsageTotal({group: named[group] for group in UsageGroup if group in query.group_by}, counts)
