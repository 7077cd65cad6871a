"""The promise of a store: twelve small protocols, bundled in :class:`Store`.

Every call that touches a vault takes the vault: there is no unscoped query. Methods are coroutines that
never block the event loop. A database that fails, is full or stays locked past its time-out raises
:class:`recollect.errors.StoreUnavailableError`; the caller decides whether to spool or to go without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from recollect.domain.jobs import JobKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from recollect.domain.budgets import Charge, Standing
    from recollect.domain.capture import Capture, CaptureReceipt, Injection
    from recollect.domain.credentials import SealedKey
    from recollect.domain.edits import Edit
    from recollect.domain.ids import (
        Fingerprint,
        JobId,
        KeyId,
        Lineage,
        MessageId,
        MessageNumber,
        ProjectId,
        SessionName,
        SessionNumber,
        TraceId,
        VaultId,
    )
    from recollect.domain.jobs import Backlog, Job
    from recollect.domain.keys import MemoryKey
    from recollect.domain.knowledge import ExtractionProgress, KnowledgeRecord, WindowExtraction, WindowMark
    from recollect.domain.messages import StoredMessage
    from recollect.domain.requests import RequestBodies, RequestFilter, RequestRecord
    from recollect.domain.traces import Trace
    from recollect.domain.usage import UsageAccount, UsageCounts, UsageQuery, UsageTotal
    from recollect.domain.vaults import BranchEntry, ErasureReceipt, Session, Vault, VaultSummary


class KeyStore(Protocol):
    """Memory keys, by the SHA-256 of their secret."""

    async def create_key(self, key: MemoryKey) -> None:
        """Store a new key."""

    async def find_key(self, digest: bytes) -> MemoryKey | None:
        """The key with this digest, revoked or not."""

    async def list_keys(self, project: ProjectId | None = None) -> list[MemoryKey]:
        """Keys in order of creation; of every project where None is given."""

    async def revoke_key(self, project: ProjectId, key: KeyId, at: datetime) -> bool:
        """Revoke; False where the project has no such live key."""


class CredentialStore(Protocol):
    """Projects' keys for providers, sealed: the store cannot read them."""

    async def put_credential(self, key: SealedKey) -> None:
        """Keep a key, in the place of the project's older one for that provider."""

    async def list_credentials(self, project: ProjectId) -> list[SealedKey]:
        """A project's keys, by provider."""

    async def remove_credential(self, project: ProjectId, provider: str) -> bool:
        """Forget a key; False where the project has none for that provider."""


class VaultStore(Protocol):
    """Users and their vaults."""

    async def open_vault(self, project: ProjectId, user: str, *, may_create: bool) -> Vault | None:
        """The user's vault, created where it may be; None where it is missing and may not be."""

    async def list_vaults(self, project: ProjectId, *, limit: int, after: str | None = None) -> list[VaultSummary]:
        """Vaults by user name, beginning behind ``after``."""

    async def recent_vaults(self, least_messages: int, *, limit: int) -> list[VaultId]:
        """Vaults of any project that hold so many messages at least, newest activity first."""

    async def summarise_vault(self, vault: VaultId) -> VaultSummary | None:
        """One vault with its counts."""

    async def erase_vault(self, vault: VaultId, at: datetime) -> ErasureReceipt | None:
        """Remove everything of the vault, its text from every file included, and say what was removed."""


class SessionStore(Protocol):
    """Sessions of a vault and their live branches."""

    async def find_session(self, vault: VaultId, name: SessionName) -> Session | None:
        """The session of that name."""

    async def latest_session(self, vault: VaultId, agent_id: str | None) -> Session | None:
        """The session of that agent with the newest activity."""

    async def sessions_with(
        self, vault: VaultId, fingerprints: Sequence[Fingerprint], limit: int
    ) -> list[tuple[Session, list[BranchEntry]]]:
        """Sessions whose live branch holds any of these fingerprints, newest activity first, each with that branch."""

    async def branch(self, vault: VaultId, session: SessionNumber) -> list[BranchEntry]:
        """The live branch, first message first."""

    async def list_sessions(self, vault: VaultId, *, limit: int, before: SessionNumber | None = None) -> list[Session]:
        """Sessions, newest (highest number) first, with numbers below ``before``."""


class MessageStore(Protocol):
    """Raw messages: the truth."""

    async def capture(self, capture: Capture) -> CaptureReceipt:
        """Store in one durable transaction: vault and session where missing, messages, injection, one index job.

        A message that stands at its place already is a duplicate and made live again. Where a message takes
        a place (depth) that another one has on the live branch, the other and all behind it cease to be live.
        Within a session, a message with an ``external_id`` that is stored already is a duplicate, too.
        Returns only after the commit has reached the disk.
        """

    async def messages(self, vault: VaultId, numbers: Sequence[MessageNumber]) -> list[StoredMessage]:
        """These messages, in the order asked for; missing ones are left out."""

    async def find_message(self, vault: VaultId, message: MessageId) -> StoredMessage | None:
        """One message by its content address."""

    async def session_messages(
        self, vault: VaultId, session: SessionNumber, *, limit: int, before_depth: int | None = None
    ) -> list[StoredMessage]:
        """The newest ``limit`` messages of the live branch (below a depth), oldest first."""

    async def list_messages(
        self, vault: VaultId, *, limit: int, after: MessageNumber | None = None
    ) -> list[StoredMessage]:
        """Messages in order of capture, on every branch, behind a number."""

    async def delete_message(self, vault: VaultId, message: MessageId) -> bool:
        """Remove a message and all that is derived from it or quotes it; what followed it stays live."""


class MessageRow(NamedTuple):
    """What the vault index needs of a message. ``text`` is None once its passages are stored.

    Times are milliseconds since the epoch. ``metadata`` is a JSON object's text.
    """

    number: int
    session_number: int
    depth: int
    is_live: bool
    role: str
    name: str | None
    agent_id: str | None
    occurred_at_ms: int
    captured_at_ms: int
    fingerprint: bytes
    metadata: str | None
    text: str | None


class PassageRow(NamedTuple):
    """A passage with everything derived from it; the recall package owns the meaning of the blobs.

    ``start``/``end`` are character offsets into the message's text; ``tokens`` the size of the rendered passage;
    ``terms`` little-endian uint32 hashes of the index terms in order; ``dense`` int8 vector of ``dimension``
    bytes; ``states`` centred 1-bit token vectors, row after row; ``state_ids`` little-endian uint16 token
    ids; ``extra`` anything else that recall derives. Without a model the three vector blobs are empty, and
    ``model`` is "".
    """

    message_number: int
    piece: int
    start: int
    end: int
    tokens: int
    model: str
    terms: bytes
    dense: bytes
    states: bytes
    state_ids: bytes
    extra: bytes


@dataclass(frozen=True, slots=True)
class VaultDelta:
    """What changed in a vault since a sequence number.

    ``epoch`` counts erasures within the vault: where it is not the one the caller knows, the rows are the
    whole vault and the caller starts anew.
    """

    epoch: int
    sequence: int
    messages: list[MessageRow]
    passages: list[PassageRow]


class IndexStore(Protocol):
    """Derived, rebuildable data: passages, vectors."""

    async def changes(self, vault: VaultId, *, epoch: int, after: int) -> VaultDelta:
        """Rows whose sequence number is above ``after`` (all of them in another epoch)."""

    async def put_passages(self, vault: VaultId, rows: Sequence[PassageRow]) -> None:
        """Replace all passages of the messages named in ``rows``; rows of messages that are gone are dropped."""

    async def enqueue_stale(self, model: str, limit: int) -> int:
        """Queue index jobs for up to ``limit`` messages whose passages are missing or of another model."""

    async def pending(self, vault: VaultId) -> int:
        """How many of the vault's messages wait for their passages (dead letters not counted)."""


class KnowledgeStore(Protocol):
    """What extractors found, window by window, and what people did to memories: whatever memories are folded from.

    A session whose live branch has changed is *due* when it has been quiet for a while, or has grown by
    ``GROWTH_CHARACTERS`` since it was last queued, or when somebody asks. Deleting a message deletes every window that
    it was read in and every edit that quotes it, and makes the session due.
    """

    async def enqueue_due(self, quiet_since: datetime, versions: Mapping[str, str], limit: int) -> int:
        """Queue an extraction job for up to ``limit`` sessions that are due, or that one of these extractors (by name)
        read in another version; how many. A session has one job at most; its dead letter waits anew."""

    async def request(
        self,
        vault: VaultId,
        session: SessionNumber | None = None,
        *,
        anew: bool = False,
        extractor: str | None = None,
    ) -> int:
        """Make a session due, or all of the vault's; how many. ``anew``: also what has been read already, by one
        extractor or by all, is to be read again; what they found stays until then."""

    async def begin(self, vault: VaultId, session: SessionNumber) -> list[WindowMark]:
        """Begin an extraction: changes from here on make the session due again. What is stored of it so far."""

    async def put_windows(
        self, vault: VaultId, session: SessionNumber, extractor: str, windows: Sequence[WindowExtraction], count: int
    ) -> int:
        """Replace these windows of one extractor, and remove those from ``count`` on; how many were stored. One that
        was read in a message that is gone is dropped, and the session is due again."""

    async def knowledge(self, vault: VaultId, after: int = -1) -> KnowledgeRecord | None:
        """All that is known of a vault; None where its sequence number is still ``after``."""

    async def add_edit(self, vault: VaultId, edit: Edit) -> bool:
        """Keep an edit; False where the vault or a message that its claim quotes is gone."""

    async def progress(
        self,
        *,
        vault: VaultId | None = None,
        project: ProjectId | None = None,
        session: SessionNumber | None = None,
    ) -> ExtractionProgress:
        """How far derived data has come, for one vault, one project, or all. With ``session``, of the vault, what is
        due is counted of that one."""


class JobStore(Protocol):
    """The durable queue. A lease that runs out makes the job available again."""

    async def lease(self, limit: int, lease_s: float, kind: JobKind = JobKind.INDEX) -> list[Job]:
        """Take up to ``limit`` waiting jobs of a kind, oldest first; no other worker gets them until the lease ends."""

    async def complete(self, jobs: Sequence[JobId]) -> None:
        """Remove finished jobs."""

    async def release(self, jobs: Sequence[JobId]) -> None:
        """Give back what was leased and not tried, or not tried to the end: the attempt does not count."""

    async def fail(self, job: JobId, error: str, retry_at: datetime | None) -> None:
        """Give back for a later attempt, or (None) keep as a dead letter."""

    async def list_dead(self, limit: int, vault: VaultId | None = None) -> list[Job]:
        """Dead letters, oldest first."""

    async def replay_dead(self, limit: int, vault: VaultId | None = None) -> int:
        """Make dead letters wait again with fresh attempts; how many."""

    async def backlog(self, vault: VaultId | None = None) -> Backlog:
        """Counts of the whole queue, or of one vault."""


class InjectionStore(Protocol):
    """What was injected where, for byte-identical re-insertion."""

    async def injections(self, vault: VaultId, lineages: Sequence[Lineage]) -> list[Injection]:
        """The known injections among these places."""

    async def put_injection(self, vault: VaultId, injection: Injection) -> None:
        """Remember one (replacing what stood at its place) outside of a capture: mode ``read``.

        A power failure may undo it: the message then gets a new block when it is sent again.
        """


class TraceStore(Protocol):
    """Traces, kept for a while."""

    async def put_trace(self, trace: Trace) -> None:
        """Keep one. May be written lazily: a crash may lose the newest traces, never messages."""

    async def find_trace(self, project: ProjectId, trace: TraceId) -> Trace | None:
        """One trace of this project."""

    async def prune_traces(self, older_than: datetime) -> int:
        """Remove old ones; how many."""


class RequestStore(Protocol):
    """The log of requests, kept for a while; and what was said in them, where that is wanted.

    Both go with their user's vault, and what was said with any message that is deleted from it.
    """

    async def put_requests(self, records: Sequence[RequestRecord], bodies: Sequence[RequestBodies] = ()) -> None:
        """Keep these, unless they are of a vault that is gone. A crash may lose the newest."""

    async def list_requests(self, project: ProjectId, wanted: RequestFilter) -> list[RequestRecord]:
        """Requests of a project, newest first."""

    async def find_request(self, project: ProjectId, request: TraceId) -> RequestRecord | None:
        """One request of this project."""

    async def find_bodies(self, project: ProjectId, request: TraceId) -> RequestBodies | None:
        """What was said in it; None where that was not kept."""

    async def prune_requests(self, older_than: datetime, bodies_older_than: datetime) -> int:
        """Remove old ones; how many requests."""


class UsageStore(Protocol):
    """What exchanges took: sums by day, and how much of each budget's window is used."""

    async def add_usage(self, totals: Mapping[UsageAccount, UsageCounts], changes: Sequence[Charge] = ()) -> None:
        """Add to sums, and to windows of budgets (which never fall below nothing), in one durable transaction."""

    async def usage(self, query: UsageQuery) -> list[UsageTotal]:
        """Sums, in the order of what they are told apart by. Erasing a vault takes its user's name out of them."""

    async def reserve(self, charges: Sequence[Charge]) -> list[Standing]:
        """Charge every window, or, where one of them has no room, none: atomically, whatever other processes do. The
        windows as they were before."""

    async def prune_windows(self, ended_before: datetime) -> int:
        """Forget windows that have ended; how many."""


class StoreControl(Protocol):
    """The store as a whole."""

    async def check(self) -> None:
        """Raise StoreUnavailableError unless a write would go through now."""

    async def close(self) -> None:
        """Finish what is queued, and release files and connections."""


@dataclass(frozen=True, slots=True)
class Store:
    """The seams of one database, so that each caller asks for the one it needs."""

    keys: KeyStore
    credentials: CredentialStore
    vaults: VaultStore
    sessions: SessionStore
    messages: MessageStore
    index: IndexStore
    knowledge: KnowledgeStore
    jobs: JobStore
    injections: InjectionStore
    traces: TraceStore
    requests: RequestStore
    usage: UsageStore
    control: StoreControl
