"""Loads large vaults when a gateway starts, so that the first question to each does not run out of time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from recollect.errors import StoreUnavailableError
from recollect.worker.attempts import finish

if TYPE_CHECKING:
    from recollect.domain.ids import VaultId
    from recollect.stores.base import VaultStore

logger = logging.getLogger(__name__)

LEAST_MESSAGES = 2000
"""A smaller vault is loaded within the deadline of its first question: 10,000 messages take some 200 ms."""
MOST_VAULTS = 8
"""What is in use is loaded soon; more would stand in the way of the first requests."""
STOP_S = 5.0


class Indexes(Protocol):
    """What holds vaults' indexes in memory."""

    async def load(self, vault: VaultId) -> None:
        """Have a vault's index in memory, up to date."""


class Warming:
    """Loads the large vaults that were in use last, one after the other, in the background."""

    def __init__(
        self,
        vaults: VaultStore,
        indexes: Indexes,
        *,
        least_messages: int = LEAST_MESSAGES,
        most_vaults: int = MOST_VAULTS,
    ) -> None:
        """Take where vaults are listed, what loads them, and which are worth it."""
        self._vaults = vaults
        self._indexes = indexes
        self._least_messages = least_messages
        self._most_vaults = most_vaults
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Begin; once, also where settings are read anew."""
        if self._task is None:
            self._task = asyncio.create_task(self.run())

    async def run(self) -> None:
        """Load them. Never raises for a store that fails: the first questions will say so."""
        try:
            vaults = await self._vaults.recent_vaults(self._least_messages, limit=self._most_vaults)
        except StoreUnavailableError as error:
            logger.debug("no vault is loaded ahead of its first question: %s", error)
            return
        for vault in vaults:
            if self._is_stopping:
                return
            await self._indexes.load(vault)

    async def stop(self) -> None:
        """End before the next vault."""
        self._is_stopping = True
        await finish(self._task, STOP_S)
