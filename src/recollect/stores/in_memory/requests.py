"""The log of requests in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import ProjectId, TraceId
    from recollect.domain.requests import RequestBodies, RequestFilter, RequestRecord
    from recollect.stores.in_memory.state import MemoryState


class InMemoryRequests:
    """Implements :class:`recollect.stores.base.RequestStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def put_requests(self, records: Sequence[RequestRecord], bodies: Sequence[RequestBodies] = ()) -> None:
        """See :meth:`RequestStore.put_requests`."""
        self._state.ensure_open()
        for record in records:
            owner = (record.project, record.user)
            if record.project is None or (record.is_of_a_vault and owner not in self._state.owners):
                continue
            self._state.requests[record.project, record.id] = record
        for one in bodies:
            if (one.project, one.user) in self._state.owners:
                self._state.bodies[one.project, one.id] = one

    async def list_requests(self, project: ProjectId, wanted: RequestFilter) -> list[RequestRecord]:
        """See :meth:`RequestStore.list_requests`."""
        self._state.ensure_open()
        found = [one for (owner, _), one in self._state.requests.items() if owner == project]
        found.sort(key=_place, reverse=True)
        last = self._state.requests.get((project, wanted.after)) if wanted.after else None
        if wanted.after is not None and last is None:
            return []
        behind = [one for one in found if last is None or _place(one) < _place(last)]
        return [one for one in behind if wanted.takes(one)][: wanted.limit]

    async def find_request(self, project: ProjectId, request: TraceId) -> RequestRecord | None:
        """See :meth:`RequestStore.find_request`."""
        self._state.ensure_open()
        return self._state.requests.get((project, request))

    async def find_bodies(self, project: ProjectId, request: TraceId) -> RequestBodies | None:
        """See :meth:`RequestStore.find_bodies`."""
        self._state.ensure_open()
        return self._state.bodies.get((project, request))

    async def prune_requests(self, older_than: datetime, bodies_older_than: datetime) -> int:
        """See :meth:`RequestStore.prune_requests`."""
        self._state.ensure_open()
        old = [key for key, one in self._state.requests.items() if one.started_at < older_than]
        for key in old:
            del self._state.requests[key]
        self._state.bodies = {
            key: one for key, one in self._state.bodies.items() if one.created_at >= bodies_older_than
        }
        return len(old)


def _place(record: RequestRecord) -> tuple[datetime, str]:
    return record.started_at, record.id
