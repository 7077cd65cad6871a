"""Derived data and the job queue in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from recollect.domain.jobs import Backlog, Job, JobKind, JobState
from recollect.stores.base import MessageRow, VaultDelta
from recollect.stores.times import to_us

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from recollect.domain.ids import JobId, MessageNumber, VaultId
    from recollect.stores.base import PassageRow
    from recollect.stores.in_memory.state import JobRecord, MemoryState, MessageRecord


class InMemoryIndex:
    """Implements :class:`recollect.stores.base.IndexStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def changes(self, vault: VaultId, *, epoch: int, after: int) -> VaultDelta:
        """See :meth:`IndexStore.changes`. A vault that is gone has epoch 0 and no rows."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is None:
            return VaultDelta(0, 0, [], [])
        since = after if record.epoch == epoch else -1
        messages = [_row(entry) for entry in record.messages.values() if entry.sequence > since]
        passages = [
            passage
            for entry in record.messages.values()
            if entry.passages_sequence > since
            for passage in entry.passages
        ]
        return VaultDelta(record.epoch, record.sequence, messages, passages)

    async def put_passages(self, vault: VaultId, rows: Sequence[PassageRow]) -> None:
        """See :meth:`IndexStore.put_passages`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        surviving = [row for row in rows if record is not None and row.message_number in record.messages]
        if record is None or not surviving:
            return
        record.sequence += 1
        for number in {row.message_number for row in surviving}:
            entry = record.messages[number]
            own = [row for row in surviving if row.message_number == number]
            entry.passages = sorted(own, key=lambda row: row.piece)
            entry.indexed_with = entry.passages[-1].model
            entry.is_unindexable = False
            entry.sequence = entry.passages_sequence = record.sequence

    async def enqueue_stale(self, model: str, limit: int) -> int:
        """See :meth:`IndexStore.enqueue_stale`. Messages that an index job names already, dead or not, are left."""
        self._state.ensure_open()
        queued = {
            (record.job.vault, number)
            for record in self._state.jobs.values()
            if record.job.kind is JobKind.INDEX
            for number in record.job.numbers
        }
        stale = list(islice(self._stale(model, queued), limit))
        for vault in dict.fromkeys(vault for vault, _ in stale):
            self._state.enqueue(vault, [number for owner, number in stale if owner == vault])
        return len(stale)

    def _stale(self, model: str, queued: set[tuple[VaultId, MessageNumber]]) -> Iterator[tuple[VaultId, MessageNumber]]:
        for vault, record in self._state.vaults.items():
            for entry in record.messages.values():
                is_stale = entry.indexed_with != model and not entry.is_unindexable
                if is_stale and (vault, entry.stored.number) not in queued:
                    yield vault, entry.stored.number

    async def pending(self, vault: VaultId) -> int:
        """See :meth:`IndexStore.pending`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is None:
            return 0
        numbers = {
            number
            for job in self._state.jobs_of(vault)
            if job.job.kind is JobKind.INDEX and job.job.state is not JobState.DEAD
            for number in job.job.numbers
        }
        return sum(1 for number in numbers if number in record.messages and not _is_settled(record.messages[number]))


class InMemoryJobs:
    """Implements :class:`recollect.stores.base.JobStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def lease(self, limit: int, lease_s: float, kind: JobKind = JobKind.INDEX) -> list[Job]:
        """See :meth:`JobStore.lease`."""
        self._state.ensure_open()
        now = self._state.clock()
        available = [
            record for record in self._state.jobs.values() if record.job.kind is kind and record.is_available(now)
        ]
        available.sort(key=lambda record: (record.available_at, record.job.created_at))
        for record in available[:limit]:
            record.job = replace(record.job, state=JobState.LEASED, attempts=record.job.attempts + 1)
            record.available_at = now + timedelta(seconds=lease_s)
        return sorted((record.job for record in available[:limit]), key=lambda job: (job.created_at, job.id))

    async def complete(self, jobs: Sequence[JobId]) -> None:
        """See :meth:`JobStore.complete`."""
        self._state.ensure_open()
        for identifier in jobs:
            record = self._state.jobs.pop(identifier, None)
            if record is not None and record.job.kind is JobKind.INDEX:
                self._settle(record.job)

    def _settle(self, job: Job) -> None:
        """Messages of a finished index job that got no passages: there is nothing to index in them."""
        vault = self._state.vaults[job.vault]
        vault.sequence += 1
        for number in job.numbers:
            entry = vault.messages.get(number)
            if entry is not None and not _is_settled(entry):
                entry.is_unindexable = True
                entry.sequence = vault.sequence

    async def release(self, jobs: Sequence[JobId]) -> None:
        """See :meth:`JobStore.release`."""
        self._state.ensure_open()
        for identifier in jobs:
            record = self._state.jobs.get(identifier)
            if record is not None and record.job.state is JobState.LEASED:
                record.job = replace(record.job, state=JobState.WAITING, attempts=record.job.attempts - 1)
                record.available_at = self._state.clock()

    async def fail(self, job: JobId, error: str, retry_at: datetime | None) -> None:
        """See :meth:`JobStore.fail`."""
        self._state.ensure_open()
        record = self._state.jobs.get(job)
        if record is None:
            return
        state = JobState.DEAD if retry_at is None else JobState.WAITING
        record.job = replace(record.job, state=state, last_error=error)
        record.available_at = record.available_at if retry_at is None else retry_at

    async def list_dead(self, limit: int, vault: VaultId | None = None) -> list[Job]:
        """See :meth:`JobStore.list_dead`."""
        self._state.ensure_open()
        return [record.job for record in self._dead(limit, vault)]

    async def replay_dead(self, limit: int, vault: VaultId | None = None) -> int:
        """See :meth:`JobStore.replay_dead`."""
        self._state.ensure_open()
        dead = self._dead(limit, vault)
        for record in dead:
            record.job = replace(record.job, state=JobState.WAITING, attempts=0)
            record.available_at = self._state.clock()
        return len(dead)

    def _dead(self, limit: int, vault: VaultId | None) -> list[JobRecord]:
        dead = [record for record in self._state.jobs_of(vault) if record.job.state is JobState.DEAD]
        return sorted(dead, key=lambda record: record.job.created_at)[:limit]

    async def backlog(self, vault: VaultId | None = None) -> Backlog:
        """See :meth:`JobStore.backlog`. A lease that ran out counts as waiting."""
        self._state.ensure_open()
        now = self._state.clock()
        records = list(self._state.jobs_of(vault))
        dead = sum(1 for record in records if record.job.state is JobState.DEAD)
        leased = sum(1 for record in records if record.job.state is JobState.LEASED and not record.is_available(now))
        waiting = [
            record.job
            for record in records
            if record.job.state is JobState.WAITING
            or (record.job.state is JobState.LEASED and record.is_available(now))
        ]
        return Backlog(
            len(waiting),
            leased,
            dead,
            min((job.created_at for job in waiting), default=None),
            min((record.job.created_at for record in records if record.job.state is not JobState.DEAD), default=None),
        )


def _is_settled(entry: MessageRecord) -> bool:
    """The message has its passages, or needs none."""
    return entry.indexed_with is not None or entry.is_unindexable


def _row(entry: MessageRecord) -> MessageRow:
    stored = entry.stored
    return MessageRow(
        number=stored.number,
        session_number=stored.session_number,
        depth=stored.depth,
        is_live=stored.is_live,
        role=stored.role,
        name=stored.name,
        agent_id=stored.agent_id,
        occurred_at_ms=to_us(stored.occurred_at) // 1000,
        captured_at_ms=to_us(stored.captured_at) // 1000,
        fingerprint=entry.fingerprint,
        metadata=stored.metadata,
        text=None if _is_settled(entry) else stored.text,
    )
