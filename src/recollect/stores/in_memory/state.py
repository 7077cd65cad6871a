"""What the in-memory store holds, in plain values. One event loop, no awaits within a change: each is atomic."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recollect.domain.ids import JobId, MessageNumber, VaultId
from recollect.domain.jobs import GROWTH_CHARACTERS, Job, JobKind, JobState
from recollect.domain.vaults import Session, Vault
from recollect.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from recollect.domain.capture import Injection
    from recollect.domain.credentials import SealedKey
    from recollect.domain.edits import Edit
    from recollect.domain.ids import Fingerprint, Lineage, MessageId, ProjectId, SessionName, SessionNumber, TraceId
    from recollect.domain.keys import MemoryKey
    from recollect.domain.knowledge import WindowExtraction
    from recollect.domain.messages import StoredMessage
    from recollect.domain.requests import RequestBodies, RequestRecord
    from recollect.domain.traces import Trace
    from recollect.domain.usage import UsageAccount, UsageCounts
    from recollect.stores.base import PassageRow

JOB_MESSAGES = 64
"""A large capture becomes several jobs, so that a lease stays short."""


@dataclass(slots=True)
class MessageRecord:
    """A message with what the store derives. ``indexed_with`` is None while its passages are missing."""

    stored: StoredMessage
    fingerprint: Fingerprint
    identity: Fingerprint
    parent_number: int
    sequence: int
    trace_id: TraceId | None
    indexed_with: str | None = None
    is_unindexable: bool = False
    passages: list[PassageRow] = field(default_factory=list)
    passages_sequence: int = 0


@dataclass(frozen=True, slots=True)
class ChangedSession:
    """A session that changed since its extraction was queued."""

    since: datetime
    changed_at: datetime
    characters: int = 0
    is_urgent: bool = False


@dataclass(slots=True)
class VaultRecord:
    """A vault with all that is in it."""

    vault: Vault
    last_active_at: datetime | None = None
    epoch: int = 1
    sequence: int = 0
    next_message_number: int = 1
    sessions: dict[SessionName, Session] = field(default_factory=dict)
    messages: dict[int, MessageRecord] = field(default_factory=dict)
    numbers: dict[MessageId, int] = field(default_factory=dict)
    injections: dict[Lineage, Injection] = field(default_factory=dict)
    knowledge_sequence: int = 0
    windows: dict[tuple[SessionNumber, str, int], WindowExtraction] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    changed: dict[SessionNumber, ChangedSession] = field(default_factory=dict)

    def live(self, session: SessionNumber) -> list[MessageRecord]:
        """The live branch, first message first."""
        branch = [
            record
            for record in self.messages.values()
            if record.stored.session_number == session and record.stored.is_live
        ]
        return sorted(branch, key=lambda record: record.stored.depth)

    def mark_changed(self, session: SessionNumber, at: datetime, characters: int = 0, *, is_urgent: bool) -> None:
        """A session is to be extracted, when it is quiet or at once."""
        known = self.changed.get(session, ChangedSession(at, at))
        grown = known.characters + characters
        self.changed[session] = ChangedSession(
            known.since, at, grown, is_urgent or known.is_urgent or grown >= GROWTH_CHARACTERS
        )

    def forget_message(self, number: MessageNumber, session: SessionNumber, at: datetime) -> None:
        """Remove what was found in windows that a message was read in, and edits that quote it."""
        self.windows = {key: window for key, window in self.windows.items() if number not in window.numbers}
        self.edits = [
            edit
            for edit in self.edits
            if edit.claim is None or number not in {one.message for one in edit.claim.evidence}
        ]
        self.knowledge_sequence += 1
        self.mark_changed(session, at, is_urgent=True)

    def has_all(self, numbers: Sequence[int]) -> bool:
        """None of these messages is gone."""
        return all(number in self.messages for number in numbers)

    def set_live(self, numbers: Sequence[int], *, is_live: bool) -> None:
        """Retire or revive messages, at the vault's present sequence number."""
        for number in numbers:
            record = self.messages[number]
            record.stored = replace(record.stored, is_live=is_live)
            record.sequence = self.sequence


@dataclass(slots=True)
class JobRecord:
    """A job, and when it may be taken: a waiting one's time, or the end of a lease."""

    job: Job
    available_at: datetime

    def is_available(self, now: datetime) -> bool:
        """A worker may take it."""
        return self.job.state is not JobState.DEAD and self.available_at <= now


@dataclass(slots=True)
class MemoryState:
    """Everything."""

    clock: Callable[[], datetime]
    keys: dict[bytes, MemoryKey] = field(default_factory=dict)
    credentials: dict[tuple[ProjectId, str], SealedKey] = field(default_factory=dict)
    vaults: dict[VaultId, VaultRecord] = field(default_factory=dict)
    owners: dict[tuple[ProjectId, str], VaultId] = field(default_factory=dict)
    jobs: dict[JobId, JobRecord] = field(default_factory=dict)
    traces: dict[tuple[ProjectId, TraceId], Trace] = field(default_factory=dict)
    requests: dict[tuple[ProjectId, TraceId], RequestRecord] = field(default_factory=dict)
    bodies: dict[tuple[ProjectId, TraceId], RequestBodies] = field(default_factory=dict)
    usage: dict[UsageAccount, UsageCounts] = field(default_factory=dict)
    windows: dict[tuple[str, str, datetime, datetime], int] = field(default_factory=dict)
    last_vault: int = 0
    last_job: int = 0
    is_closed: bool = False

    def ensure_open(self) -> None:
        """Refuse work after closing, as a database does."""
        if self.is_closed:
            message = "The memory store is closed."
            raise StoreUnavailableError(message)

    def forget_bodies(self, vault: Vault) -> None:
        """Remove what was said in the requests of a vault's user."""
        owner = (vault.project, vault.user)
        self.bodies = {key: one for key, one in self.bodies.items() if (one.project, one.user) != owner}

    def ensure_vault(self, project: ProjectId, user: str) -> VaultRecord:
        """The user's vault, created where it is missing."""
        known = self.owners.get((project, user))
        if known is not None:
            return self.vaults[known]
        self.last_vault += 1
        vault = Vault(VaultId(self.last_vault), project, user, self.clock())
        self.owners[project, user] = vault.id
        self.vaults[vault.id] = VaultRecord(vault)
        return self.vaults[vault.id]

    def enqueue(self, vault: VaultId, numbers: Sequence[MessageNumber]) -> None:
        """Queue index jobs for these messages."""
        for start in range(0, len(numbers), JOB_MESSAGES):
            self.last_job += 1
            now = self.clock()
            chunk = tuple(numbers[start : start + JOB_MESSAGES])
            job = Job(JobId(self.last_job), vault, JobKind.INDEX, chunk, attempts=0, created_at=now)
            self.jobs[job.id] = JobRecord(job, now)

    def enqueue_extraction(self, vault: VaultId, session: SessionNumber) -> None:
        """Queue an extraction, or wake the one that is there: a dead letter waits anew."""
        for record in self.jobs_of(vault):
            if record.job.session == session:
                if record.job.state is JobState.DEAD:
                    record.job = replace(record.job, state=JobState.WAITING, attempts=0)
                    record.available_at = self.clock()
                return
        self.last_job += 1
        now = self.clock()
        numbers = (MessageNumber(session),)
        job = Job(JobId(self.last_job), vault, JobKind.EXTRACT, numbers, attempts=0, created_at=now)
        self.jobs[job.id] = JobRecord(job, now)

    def jobs_of(self, vault: VaultId | None) -> Iterator[JobRecord]:
        """Jobs of one vault, or of all."""
        return (record for record in self.jobs.values() if vault is None or record.job.vault == vault)
