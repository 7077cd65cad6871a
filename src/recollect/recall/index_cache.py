"""Vault indexes in memory: the most recently used, within a byte limit, each brought up to date before use."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from recollect.recall.vault_index import VaultIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.domain.ids import VaultId
    from recollect.stores.base import IndexStore, VaultDelta

T = TypeVar("T")

NEVER = -1
"""An epoch that no vault has: asks for everything."""
_LARGE_DELTA = 500
"""Rows from which on a delta is applied off the event loop."""
_LARGE_VAULT = 3000
"""Passages from which on a job leaves the event loop."""


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
        self._tasks: set[asyncio.Task[Any]] = set()

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

    async def work(self, vault: VaultId, job: Callable[[VaultIndex], T]) -> T:
        """Do a job on the vault's index as of now, which nobody changes meanwhile; in a thread where it is large.

        Whoever is cancelled leaves at once, but the index stays theirs until the thread is done with it.
        StoreUnavailableError passes.
        """
        slot = self._slots.setdefault(vault, _Slot())
        self._slots.move_to_end(vault)
        await slot.lock.acquire()
        task = asyncio.create_task(self._work(slot, vault, job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _work(self, slot: _Slot, vault: VaultId, job: Callable[[VaultIndex], T]) -> T:
        try:
            index = await self._up_to_date(slot, vault)
            return await asyncio.to_thread(job, index) if len(index.layout) > _LARGE_VAULT else job(index)
        finally:
            slot.lock.release()

    async def _up_to_date(self, slot: _Slot, vault: VaultId) -> VaultIndex:
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
        return index

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
