"""The in-memory store, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.stores.base import Store
from recollect.stores.in_memory.credentials import InMemoryCredentials
from recollect.stores.in_memory.knowledge import InMemoryKnowledge
from recollect.stores.in_memory.messages import InMemoryInjections, InMemoryMessages, InMemoryTraces
from recollect.stores.in_memory.people import InMemoryKeys, InMemorySessions, InMemoryVaults
from recollect.stores.in_memory.queue import InMemoryIndex, InMemoryJobs
from recollect.stores.in_memory.requests import InMemoryRequests
from recollect.stores.in_memory.state import MemoryState
from recollect.stores.in_memory.usage import InMemoryUsage
from recollect.stores.times import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class InMemoryControl:
    """Implements :class:`recollect.stores.base.StoreControl`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def check(self) -> None:
        """See :meth:`StoreControl.check`."""
        self._state.ensure_open()

    async def close(self) -> None:
        """See :meth:`StoreControl.close`."""
        self._state.is_closed = True


def in_memory_store(*, clock: Callable[[], datetime] = utc_now) -> Store:
    """An empty store that lives as long as the object, for one event loop: for tests and for trying things out."""
    state = MemoryState(clock)
    return Store(
        keys=InMemoryKeys(state),
        credentials=InMemoryCredentials(state),
        vaults=InMemoryVaults(state),
        sessions=InMemorySessions(state),
        messages=InMemoryMessages(state),
        index=InMemoryIndex(state),
        knowledge=InMemoryKnowledge(state),
        jobs=InMemoryJobs(state),
        injections=InMemoryInjections(state),
        traces=InMemoryTraces(state),
        requests=InMemoryRequests(state),
        usage=InMemoryUsage(state),
        control=InMemoryControl(state),
    )
