"""What extractors found, and edits, in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from recollect.domain.jobs import JobKind, JobState
from recollect.domain.knowledge import ExtractionProgress, KnowledgeRecord, SessionWindow, WindowMark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from recollect.domain.edits import Edit
    from recollect.domain.ids import ProjectId, SessionNumber, VaultId
    from recollect.domain.knowledge import WindowExtraction
    from recollect.stores.in_memory.state import JobRecord, MemoryState, VaultRecord


class InMemoryKnowledge:
    """Implements :class:`recollect.stores.base.KnowledgeStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def enqueue_due(self, quiet_since: datetime, versions: Mapping[str, str], limit: int) -> int:
        """See :meth:`KnowledgeStore.enqueue_due`."""
        self._state.ensure_open()
        due = dict.fromkeys(islice(self._due(quiet_since), limit))
        due.update(dict.fromkeys(islice(self._outdated(versions), limit - len(due))))
        for vault, session in due:
            self._state.vaults[vault].changed.pop(session, None)
            self._state.enqueue_extraction(vault, session)
        return len(due)

    def _due(self, quiet_since: datetime) -> Iterator[tuple[VaultId, SessionNumber]]:
        leased = {(job.job.vault, job.job.session) for job in self._jobs() if job.job.state is JobState.LEASED}
        for vault, record in self._state.vaults.items():
            for session, changed in record.changed.items():
                is_due = changed.is_urgent or changed.changed_at <= quiet_since
                if is_due and (vault, session) not in leased:
                    yield vault, session

    def _outdated(self, versions: Mapping[str, str]) -> Iterator[tuple[VaultId, SessionNumber]]:
        queued = {(job.job.vault, job.job.session) for job in self._jobs()}
        for vault, record in self._state.vaults.items():
            for (session, extractor, _), window in record.windows.items():
                if versions.get(extractor, window.version) != window.version and (vault, session) not in queued:
                    yield vault, session

    def _jobs(self, vault: VaultId | None = None) -> list[JobRecord]:
        return [job for job in self._state.jobs_of(vault) if job.job.kind is JobKind.EXTRACT]

    async def request(
        self,
        vault: VaultId,
        session: SessionNumber | None = None,
        *,
        anew: bool = False,
        extractor: str | None = None,
    ) -> int:
        """See :meth:`KnowledgeStore.request`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is None:
            return 0
        wanted = [one.number for one in record.sessions.values() if session in {None, one.number}]
        now = self._state.clock()
        for number in wanted:
            record.mark_changed(number, now, is_urgent=True)
        for key, window in record.windows.items():
            if anew and key[0] in wanted and extractor in {None, key[1]}:
                record.windows[key] = replace(window, digest="")
        for job in self._jobs(vault):
            if job.job.state is JobState.WAITING and job.job.session in wanted:
                job.available_at = min(job.available_at, now)
        return len(wanted)

    async def begin(self, vault: VaultId, session: SessionNumber) -> list[WindowMark]:
        """See :meth:`KnowledgeStore.begin`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is None:
            return []
        record.changed.pop(session, None)
        stored = sorted((key, window.digest) for key, window in record.windows.items() if key[0] == session)
        return [WindowMark(extractor, place, digest) for (_, extractor, place), digest in stored]

    async def put_windows(
        self, vault: VaultId, session: SessionNumber, extractor: str, windows: Sequence[WindowExtraction], count: int
    ) -> int:
        """See :meth:`KnowledgeStore.put_windows`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is None:
            return 0
        dropped = [key for key in record.windows if key[:2] == (session, extractor) and key[2] >= count]
        for key in dropped:
            del record.windows[key]
        kept = [window for window in windows if record.has_all(window.numbers)]
        for window in kept:
            record.windows[session, extractor, window.window] = window
        if len(kept) < len(windows):
            record.mark_changed(session, self._state.clock(), is_urgent=True)
        record.knowledge_sequence += bool(dropped or kept)
        return len(kept)

    async def knowledge(self, vault: VaultId, after: int = -1) -> KnowledgeRecord | None:
        """See :meth:`KnowledgeStore.knowledge`. A vault that is gone has sequence 0 and nothing in it."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        sequence = 0 if record is None else record.knowledge_sequence
        if sequence == after:
            return None
        if record is None:
            return KnowledgeRecord(sequence)
        return KnowledgeRecord(
            sequence=sequence,
            windows=tuple(
                SessionWindow(session, extractor, record.windows[session, extractor, place])
                for session, extractor, place in sorted(record.windows)
            ),
            edits=tuple(record.edits),
            abandoned=frozenset(entry.stored.number for entry in record.messages.values() if not entry.stored.is_live),
        )

    async def add_edit(self, vault: VaultId, edit: Edit) -> bool:
        """See :meth:`KnowledgeStore.add_edit`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        sources = [one.message for one in edit.claim.evidence] if edit.claim else []
        if record is None or not record.has_all(sources):
            return False
        record.edits.append(edit)
        record.knowledge_sequence += 1
        return True

    async def progress(
        self,
        *,
        vault: VaultId | None = None,
        project: ProjectId | None = None,
        session: SessionNumber | None = None,
    ) -> ExtractionProgress:
        """See :meth:`KnowledgeStore.progress`."""
        self._state.ensure_open()
        records = [
            record
            for number, record in self._state.vaults.items()
            if vault in {None, number} and project in {None, record.vault.project}
        ]
        messages = [entry for record in records for entry in record.messages.values()]
        extracted: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        for record in records:
            for (_, extractor, _), window in sorted(record.windows.items()):
                extracted[extractor] += len(window.numbers)
                dropped.update(window.found.dropped)
        due = {key: since for key, since in self._open_since(records).items() if session in {None, key[1]}}
        return ExtractionProgress(
            messages=len(messages),
            indexed=sum(entry.indexed_with is not None or entry.is_unindexable for entry in messages),
            embedded=sum(bool(entry.indexed_with) for entry in messages),
            extracted=dict(extracted),
            dropped=dict(sorted(dropped.items())),
            due=len(due),
            oldest_due_at=min(due.values(), default=None),
        )

    def _open_since(self, records: Sequence[VaultRecord]) -> dict[tuple[VaultId, int], datetime]:
        """Sessions that changed or are queued, and since when."""
        due: dict[tuple[VaultId, int], datetime] = {}
        for record in records:
            vault = record.vault.id
            due.update({(vault, session): changed.since for session, changed in record.changed.items()})
            for job in self._jobs(vault):
                key = (vault, int(job.job.numbers[0]))
                if job.job.state is not JobState.DEAD:
                    due[key] = min(job.job.created_at, due.get(key, job.job.created_at))
        return due
