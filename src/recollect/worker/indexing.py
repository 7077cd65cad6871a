"""The worker that indexes: drains index jobs and the spool."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from recollect.errors import EmbedderUnavailableError, StoreUnavailableError
from recollect.worker.attempts import attempt, backoff_s, describe, finish, wait_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from recollect.domain.capture import Capture
    from recollect.domain.ids import MessageNumber, VaultId
    from recollect.domain.jobs import Job
    from recollect.domain.messages import StoredMessage
    from recollect.stores.base import MessageStore, PassageRow, Store

logger = logging.getLogger(__name__)

_BUSY_ROUNDS = 20
"""After as many empty rounds the worker polls more slowly."""
_LEASE_SHARE = 0.4
"""The share of a lease within which a batch must begin, and that one batch may take: both fit into the lease."""


class Indexer(Protocol):
    """Derives passages from messages; one call holds messages of one vault."""

    async def index(self, messages: Sequence[StoredMessage]) -> list[PassageRow]:
        """The passages of these messages; none for a message in which there is nothing to index."""


class WaitingCaptures(Protocol):
    """The spool, as far as the worker knows it."""

    async def append(self, capture: Capture) -> None:
        """Keep a capture."""

    async def drain(self, store: MessageStore) -> int:
        """Capture what waits; how many were captured."""

    def pending(self) -> int:
        """How many captures wait."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How the worker works. ``stale_batch``: how many messages of another model are queued at a time."""

    lease_s: float = 120.0
    lease_jobs: int = 16
    batch_messages: int = 64
    max_attempts: int = 5
    first_retry_s: float = 0.5
    longest_retry_s: float = 60.0
    poll_s: float = 0.25
    idle_poll_s: float = 1.0
    housekeeping_s: float = 2.0
    prune_s: float = 3600.0
    keep_traces_s: float = 7 * 86400.0
    keep_requests_s: float = 7 * 86400.0
    stale_batch: int = 512
    stop_s: float = 10.0


DEFAULT_SETTINGS = WorkerSettings()


class Worker:
    """Leases jobs, indexes their messages, and retries what failed; any number of processes may run one.

    ``model`` names the embedder's model now: messages with passages of another one are indexed anew while
    nothing else waits.
    """

    def __init__(
        self,
        store: Store,
        indexer: Indexer,
        *,
        model: str,
        spool: WaitingCaptures | None = None,
        settings: WorkerSettings = DEFAULT_SETTINGS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what it works with; :meth:`start` begins. ``clock`` must be the store's."""
        self.on_indexed: Callable[[VaultId], Awaitable[None]] | None = None
        """Called behind the jobs of a vault, so that whoever holds its index can bring it up to date ahead of time."""
        self._store = store
        self._indexer = indexer
        self._model = model
        self._spool = spool
        self._settings = settings
        self._clock = clock
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._has_stale = True
        self._next_housekeeping = 0.0
        self._next_prune = 0.0

    def start(self) -> None:
        """Begin, in the running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="recollect-worker")

    async def stop(self) -> None:
        """Finish the batch at hand; one that takes too long is left to another worker, when its lease ends."""
        self._stop.set()
        self._wake.set()
        await finish(self._task, self._settings.stop_s)
        self._task = None

    def notify(self) -> None:
        """There is new work: do not wait for the next poll."""
        self._wake.set()

    async def wait_indexed(self, vault: VaultId, timeout_s: float) -> bool:
        """Wait until nothing of the vault is pending, whichever process indexes it; False when the time is over."""
        deadline = time.monotonic() + timeout_s
        self.notify()
        while True:
            progress = self._progress
            if await self._store.index.pending(vault) == 0:
                return True
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                return False
            await wait_for(progress, min(remaining_s, self._settings.poll_s))

    async def run_until_idle(self) -> int:
        """Work off every job that is available now, in this task; how many were taken."""
        taken = 0
        while count := await self._round():
            taken += count
        return taken

    async def _run(self) -> None:
        idle_rounds = 0
        failures = 0
        while not self._stop.is_set():
            self._wake.clear()
            taken, error = await attempt(self._live_once())
            if error is not None:
                # Nothing ends the worker: what failed keeps its lease, and is tried again when that ends.
                failures += 1
                log_level = logging.WARNING if isinstance(error, StoreUnavailableError) else logging.ERROR
                logger.log(log_level, "the worker cannot go on for now: %s", describe(error))
                await wait_for(self._stop, self._retry_s(failures))
            elif taken:
                failures = idle_rounds = 0
            else:
                failures, idle_rounds = 0, idle_rounds + 1
                is_quiet = idle_rounds > _BUSY_ROUNDS
                await wait_for(self._wake, self._settings.idle_poll_s if is_quiet else self._settings.poll_s)

    async def _live_once(self) -> int:
        await self._keep_house()
        return await self._round() or await self._enqueue_stale()

    async def _round(self) -> int:
        """Lease once, and work that off; how many jobs were taken."""
        jobs = await self._store.jobs.lease(self._settings.lease_jobs, self._settings.lease_s)
        begun_by = time.monotonic() + self._settings.lease_s * _LEASE_SHARE
        for vault, batch in self._batches(jobs):
            if self._stop.is_set() or time.monotonic() > begun_by:
                await self._store.jobs.release([job.id for job in batch])
                continue
            await self._index(vault, batch)
        return len(jobs)

    def _batches(self, jobs: list[Job]) -> Iterator[tuple[VaultId, list[Job]]]:
        """Jobs of one vault together, up to the batch's size in messages."""
        for vault, group in groupby(sorted(jobs, key=lambda job: job.vault), key=lambda job: job.vault):
            batch: list[Job] = []
            size = 0
            for job in group:
                if batch and size + len(job.numbers) > self._settings.batch_messages:
                    yield vault, batch
                    batch, size = [], 0
                batch.append(job)
                size += len(job.numbers)
            yield vault, batch

    async def _index(self, vault: VaultId, jobs: list[Job]) -> None:
        """Index a batch; on failure message by message, so that one that cannot be indexed does not block others."""
        numbers = list(dict.fromkeys(number for job in jobs for number in job.numbers))
        messages = await self._store.messages.messages(vault, numbers)
        errors = await self._index_messages(vault, messages)
        await self._store.jobs.complete([job.id for job in jobs if errors.keys().isdisjoint(job.numbers)])
        self._pulse()
        if self.on_indexed is not None:
            await self.on_indexed(vault)
        for job in jobs:
            blamed = [errors[number] for number in job.numbers if number in errors]
            if blamed:
                await self._give_back(job, blamed[0])

    async def _index_messages(
        self, vault: VaultId, messages: Sequence[StoredMessage]
    ) -> dict[MessageNumber, Exception]:
        """Index messages together, halving them where that fails; what failed in the end, and why."""
        if not messages:
            return {}
        rows, error = await attempt(self._derive(messages))
        if error is not None and len(messages) > 1 and not isinstance(error, EmbedderUnavailableError):
            half = len(messages) // 2
            first = await self._index_messages(vault, messages[:half])
            return first | await self._index_messages(vault, messages[half:])
        if error is not None:
            return {message.number: error for message in messages}
        await self._store.index.put_passages(vault, rows or [])
        return {}

    async def _derive(self, messages: Sequence[StoredMessage]) -> list[PassageRow]:
        async with asyncio.timeout(self._settings.lease_s * _LEASE_SHARE):
            return await self._indexer.index(messages)

    async def _give_back(self, job: Job, error: Exception) -> None:
        """Retry later, or keep as a dead letter. A model that is away is not the job's fault: no limit of attempts."""
        is_ours = not isinstance(error, EmbedderUnavailableError)
        is_dead = is_ours and job.attempts >= self._settings.max_attempts
        retry_at = None if is_dead else self._clock() + timedelta(seconds=self._retry_s(job.attempts))
        logger.warning("job %s failed (attempt %s): %s", job.id, job.attempts, type(error).__name__)
        await self._store.jobs.fail(job.id, describe(error), retry_at)

    def _retry_s(self, attempts: int) -> float:
        return backoff_s(attempts, first_s=self._settings.first_retry_s, longest_s=self._settings.longest_retry_s)

    async def _enqueue_stale(self) -> int:
        """While nothing else waits: queue messages whose passages are missing or of another model."""
        if not self._has_stale:
            return 0
        queued = await self._store.index.enqueue_stale(self._model, self._settings.stale_batch)
        self._has_stale = queued > 0
        return queued

    async def _keep_house(self) -> None:
        """Drain the spool, forget old traces and windows of budgets, each at its time."""
        now = time.monotonic()
        if self._spool is not None and now >= self._next_housekeeping:
            self._next_housekeeping = now + self._settings.housekeeping_s
            if self._spool.pending():
                drained = await self._spool.drain(self._store.messages)
                logger.info("stored %s captures from the spool", drained)
        if now >= self._next_prune:
            self._next_prune = now + self._settings.prune_s
            traces_from = self._clock() - timedelta(seconds=self._settings.keep_traces_s)
            await self._store.traces.prune_traces(traces_from)
            requests_from = self._clock() - timedelta(seconds=self._settings.keep_requests_s)
            await self._store.requests.prune_requests(requests_from, bodies_older_than=traces_from)
            await self._store.usage.prune_windows(self._clock())

    def _pulse(self) -> None:
        """Wake everybody who waits for progress."""
        self._progress.set()
        self._progress = asyncio.Event()
