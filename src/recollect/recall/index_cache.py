"""Vault indexes in memory: the most recently used, within a byte limit, each brought up to date before use."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.recall.vault_index import VaultIndex

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.domain.ids import VaultId
    from recollect.stores.base import IndexStore, VaultDelta

NEVER = -1
"""An epoch that no vault has: asks for everything."""
_LARGE_DELTA = 500
"""Rows from which on a delta is applied off the event loop."""


@dataclass(slots=True)
class _Slot:
    index: VaultIndex | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class IndexCache:
    """One loader at a time a vault; vaults do not wait for one another."""

    def __init__(self, store: IndexStore, *, model: str, max_bytes: int) -> None:
        """Take where deltas come from, whose vectors to use, and how much may be kept."""
        self._store = store
        self._model = model
        self._max_bytes = max_bytes
        self._slots: OrderedDict[VaultId, _Slot] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Memory held by all indexes, estimated."""
        return sum(slot.index.nbytes for slot in self._slots.values() if slot.index is not None)

    def __len__(self) -> int:
        """Vaults held."""
        return len(self._slots)

    def holds(self, vault: VaultId) -> bool:
        """The vault's index is in memory."""
        slot = self._slots.get(vault)
        return slot is not None and slot.index is not None

    @asynccontextmanager
    async def using(self, vault: VaultId) -> AsyncIterator[VaultIndex]:
        """The vault's index as of now, which nobody changes while it is in use. StoreUnavailableError passes."""
        slot = self._slots.setdefault(vault, _Slot())
        self._slots.move_to_end(vault)
        async with slot.lock:
            index = slot.index
            if index is not None and index.is_wasteful:
                index = None
            epoch, after = (NEVER, 0) if index is None else (index.epoch, index.sequence)
            delta = await self._store.changes(vault, epoch=epoch, after=after)
            if index is None or delta.epoch != index.epoch:
                index = VaultIndex(self._model)
                index.epoch = delta.epoch
            changes = len(delta.messages) + len(delta.passages)
            if changes > _LARGE_DELTA or (changes and len(index.layout) > _LARGE_DELTA):
                await asyncio.to_thread(_bring_up_to_date, index, delta)
            else:
                _bring_up_to_date(index, delta)
            slot.index = index
            if delta.messages or delta.passages:
                self._evict(vault)
            yield index

    def forget(self, vault: VaultId) -> None:
        """Drop a vault."""
        self._slots.pop(vault, None)

    def _evict(self, kept: VaultId) -> None:
        total = self.nbytes
        for vault, slot in list(self._slots.items()):
            if total <= self._max_bytes:
                return
            if vault != kept and not slot.lock.locked():
                total -= slot.index.nbytes if slot.index is not None else 0
                del self._slots[vault]


def _bring_up_to_date(index: VaultIndex, delta: VaultDelta) -> None:
    index.apply(delta)
    _ = index.layout  # computed here, so that ranking only reads
