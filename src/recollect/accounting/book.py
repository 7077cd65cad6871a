"""Adds up what exchanges take, in memory, and writes the sums down a moment later."""

from __future__ import annotations

import asyncio
import logging
from operator import add
from typing import TYPE_CHECKING

from recollect.domain.usage import UsageCounts, sum_of
from recollect.errors import StoreUnavailableError

if TYPE_CHECKING:
    from recollect.domain.budgets import Charge
    from recollect.domain.usage import UsageAccount
    from recollect.stores.base import UsageStore

logger = logging.getLogger(__name__)

WRITE_AFTER_S = 0.5
TRY_AGAIN_AFTER_S = 5.0
MOST_LINES = 20_000
"""How many sums are kept while the store is away."""


class UsageBook:
    """What was added is in the store half a second later, and at :meth:`close`; a store that is away is waited for."""

    def __init__(self, store: UsageStore, *, write_after_s: float = WRITE_AFTER_S) -> None:
        """Take where sums are kept."""
        self._store = store
        self._write_after_s = write_after_s
        self._sums: dict[UsageAccount, list[int]] = {}
        """Counts in the order of ``UsageCounts``, added to where they are."""
        self._changes: list[Charge] = []
        self._writing: asyncio.Task[None] | None = None
        self._flushing = asyncio.Lock()
        self._written = UsageCounts()

    def add(self, account: UsageAccount, counts: UsageCounts) -> None:
        """Note what an exchange took."""
        self._add(account, counts)
        self._write_later()

    @property
    def total(self) -> UsageCounts:
        """What this process has seen."""
        return sum_of((self._written, *(UsageCounts(*counts) for counts in self._sums.values())))

    def change(self, charge: Charge) -> None:
        """Set a budget's window right by so much."""
        if charge.amount:
            self._changes.append(charge)
            self._write_later()

    async def flush(self) -> bool:
        """Write what there is now; False where the store does not take it, and it is kept for later."""
        async with self._flushing:
            sums = {account: UsageCounts(*counts) for account, counts in self._sums.items()}
            self._sums = {}
            changes, self._changes = self._changes, []
            if not sums and not changes:
                return True
            try:
                await self._store.add_usage(sums, changes)
            except StoreUnavailableError as error:
                self._keep(sums, changes)
                logger.warning("usage is written later: %s", error)
                return False
            self._written = sum_of((self._written, *sums.values()))
            return True

    async def close(self) -> None:
        """Write the last sums."""
        if not await self.flush():
            logger.error("usage of the last moments is lost: the store does not take it")
        if self._writing is not None:
            self._writing.cancel()

    def _add(self, account: UsageAccount, counts: UsageCounts) -> None:
        known = self._sums.get(account)
        if known is None:
            self._sums[account] = [*counts]
        else:
            known[:] = map(add, known, counts)

    def _keep(self, sums: dict[UsageAccount, UsageCounts], changes: list[Charge]) -> None:
        """Put back what was not written."""
        lost = len(sums.keys() | self._sums.keys()) + len(changes) + len(self._changes) - MOST_LINES
        if lost > 0:
            logger.error("usage is lost: the store has been away for too long")
            return
        for account, counts in sums.items():
            self._add(account, counts)
        self._changes = [*changes, *self._changes]
        self._write_later()

    def _write_later(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        delay_s = self._write_after_s
        try:
            while self._sums or self._changes:
                await asyncio.sleep(delay_s)
                delay_s = self._write_after_s if await self.flush() else TRY_AGAIN_AFTER_S
        finally:
            self._writing = None
