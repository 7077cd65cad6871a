"""The worker that has sessions extracted: when they are quiet, when they have grown, or when somebody asks."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recollect.domain.ids import ProjectId
from recollect.domain.jobs import JobKind
from recollect.errors import ExtractorUnavailableError, StoreUnavailableError
from recollect.remembering.extraction import SessionReader
from recollect.worker.attempts import attempt, backoff_s, describe, finish, wait_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from recollect.domain.ids import SessionNumber, VaultId
    from recollect.domain.jobs import Job
    from recollect.domain.knowledge import WindowMark
    from recollect.domain.memories import Extraction
    from recollect.domain.messages import StoredMessage
    from recollect.extractors.base import Extractor
    from recollect.stores.base import Store

logger = logging.getLogger(__name__)

WAIT_S = 0.05
MOST_DEAD = 1000


@dataclass(frozen=True, slots=True)
class ExtractionSettings:
    """How sessions are extracted. ``quiet_s``: for how long nobody said anything in a session that is due.

    A round takes ``lease_jobs`` sessions: the first extractor reads all of them, then the others read for ``round_s``.
    A window that takes longer than ``window_s`` has failed. All of it must fit into ``lease_s``.
    """

    quiet_s: float = 600.0
    lease_s: float = 300.0
    lease_jobs: int = 32
    round_s: float = 30.0
    window_s: float = 60.0
    max_attempts: int = 5
    first_retry_s: float = 1.0
    longest_retry_s: float = 300.0
    poll_s: float = 1.0
    alarm_s: float = 60.0
    stop_s: float = 10.0


DEFAULT_SETTINGS = ExtractionSettings()


@dataclass(frozen=True, slots=True)
class _Reading:
    """A job at work: its session, who reads it, and what was read of it before. ``replaced`` are extractors that read
    for other projects only: what they found here before goes once the others have read."""

    job: Job
    session: SessionNumber
    extractors: tuple[Extractor, ...]
    marks: Sequence[WindowMark]
    replaced: frozenset[str]


class ExtractionWorker:
    """Queues sessions that are due, and has each read by every extractor; any number of processes may run one.

    The first extractor should be quick: it does not wait for the others. What one extractor found is stored before the
    next one is asked, so that an endpoint which is away loses nothing but its own part, which is asked for again.
    """

    def __init__(
        self,
        store: Store,
        extractors: Sequence[Extractor],
        *,
        own: Mapping[ProjectId, Sequence[Extractor]] | None = None,
        settings: ExtractionSettings = DEFAULT_SETTINGS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what it works with; :meth:`start` begins. ``clock`` must be the store's. ``own`` are the extractors of
        projects that have others, under other names."""
        self.on_extracted: Callable[[VaultId], Awaitable[None]] | None = None
        """Called when something of a vault was read, so that whoever holds its knowledge can bring it up to date."""
        self._store = store
        self._extractors = tuple(extractors)
        self._own = {project: tuple(own_ones) for project, own_ones in (own or {}).items()}
        everybody = (self._extractors, *self._own.values())
        self._versions = {one.name: one.version for group in everybody for one in group}
        self._settings = settings
        self._clock = clock
        self._reader = SessionReader(store, clock)
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._next_alarm = 0.0
        self._last_alarm: str | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="recollect-extraction")

    async def stop(self) -> None:
        """Finish the window at hand; one that takes too long is read by another worker, when the lease ends."""
        self._stop.set()
        self._wake.set()
        await finish(self._task, self._settings.stop_s)
        self._task = None

    def notify(self) -> None:
        """Somebody asked for an extraction: do not wait for the next poll."""
        self._wake.set()

    def names(self, project: ProjectId) -> tuple[str, ...]:
        """The extractors that read a project's sessions. A part of a project has those of the whole."""
        return tuple(one.name for one in self._extractors_of(project))

    def _extractors_of(self, project: ProjectId) -> tuple[Extractor, ...]:
        whole = ProjectId(project.partition("/")[0])
        return self._own.get(project) or self._own.get(whole) or self._extractors

    async def wait_read(self, vault: VaultId, session: SessionNumber | None, timeout_s: float) -> bool:
        """Wait until a session, or every one of the vault, is read; False when the time is over first, or where its
        job is a dead letter."""
        ends_at = time.monotonic() + timeout_s
        while (await self._store.knowledge.progress(vault=vault, session=session)).due:
            if time.monotonic() > ends_at:
                return False
            self.notify()
            await asyncio.sleep(WAIT_S)
        dead = await self._store.jobs.list_dead(MOST_DEAD, vault)
        return all(job.kind is not JobKind.EXTRACT or session not in {None, job.session} for job in dead)

    async def run_until_idle(self) -> int:
        """Read every session that is due now, in this task; how many jobs were taken."""
        taken = 0
        while count := await self._round():
            taken += count
        return taken

    async def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._wake.clear()
            taken, error = await attempt(self._live_once())
            if error is not None:
                failures += 1
                log_level = logging.WARNING if isinstance(error, StoreUnavailableError) else logging.ERROR
                logger.log(log_level, "extraction cannot go on for now: %s", describe(error))
                await wait_for(self._stop, self._retry_s(failures))
            else:
                failures = 0
                if not taken:
                    await wait_for(self._wake, self._settings.poll_s)

    async def _live_once(self) -> int:
        await self._watch()
        return await self._round()

    async def _watch(self) -> None:
        """Sound the alarm where a job, of whatever kind, does not come to its end."""
        if time.monotonic() < self._next_alarm:
            return
        self._next_alarm = time.monotonic() + self._settings.alarm_s
        note = (await self._store.jobs.backlog()).alarm(self._clock())
        if note is not None and note != self._last_alarm:
            logger.error(note)
        self._last_alarm = note

    async def _round(self) -> int:
        """Queue what is due, lease once, and work that off; how many jobs were taken."""
        quiet_since = self._clock() - timedelta(seconds=self._settings.quiet_s)
        await self._store.knowledge.enqueue_due(quiet_since, self._versions, self._settings.lease_jobs)
        jobs = await self._store.jobs.lease(self._settings.lease_jobs, self._settings.lease_s, JobKind.EXTRACT)
        ends_at = time.monotonic() + self._settings.lease_s - 2 * self._settings.window_s - self._settings.round_s
        begun = [await self._begin(job) for job in jobs]
        readings = await self._pass(begun, slice(0, 1), ends_at)
        readings = await self._pass(readings, slice(1, None), time.monotonic() + self._settings.round_s)
        for reading in readings:
            for name in reading.replaced:
                await self._store.knowledge.put_windows(reading.job.vault, reading.session, name, [], 0)
        await self._store.jobs.complete([reading.job.id for reading in readings])
        return len(jobs)

    async def _begin(self, job: Job) -> _Reading:
        """What is left of extractors that are no longer used goes when it was to be read anew."""
        session = job.session
        if session is None:
            message = f"job {job.id} names no session"
            raise ValueError(message)
        marks = await self._store.knowledge.begin(job.vault, session)
        extractors = await self._readers(job.vault)
        others = {mark.extractor for mark in marks} - {one.name for one in extractors}
        for name in {mark.extractor for mark in marks if not mark.digest} & others:
            await self._store.knowledge.put_windows(job.vault, session, name, [], 0)
        return _Reading(job, session, extractors, marks, frozenset(others & self._versions.keys()))

    async def _readers(self, vault: VaultId) -> tuple[Extractor, ...]:
        summary = await self._store.vaults.summarise_vault(vault) if self._own else None
        return self._extractors if summary is None else self._extractors_of(summary.vault.project)

    async def _pass(self, readings: Sequence[_Reading], which: slice, ends_at: float) -> list[_Reading]:
        """Have each session read by these of its extractors, for as long as there is time; those that were read."""
        finished: list[_Reading] = []
        released: list[Job] = []
        for reading in readings:
            extractors = reading.extractors[which]
            is_finished, error = await attempt(self._read(reading, extractors, ends_at))
            if isinstance(error, StoreUnavailableError):
                raise error
            if error is not None:
                await self._give_back(reading.job, error)
            elif is_finished:
                finished.append(reading)
            else:
                released.append(reading.job)
            if extractors and self.on_extracted is not None:
                await self.on_extracted(reading.job.vault)
        await self._store.jobs.release([job.id for job in released])
        return finished

    async def _read(self, reading: _Reading, extractors: Sequence[Extractor], ends_at: float) -> bool:
        async def ask(extractor: Extractor, window: Sequence[StoredMessage]) -> Extraction | None:
            if self._stop.is_set() or time.monotonic() > ends_at:
                return None
            async with asyncio.timeout(self._settings.window_s):
                return await extractor.extract(window)

        for extractor in extractors:
            is_read = await self._reader.read(reading.job.vault, reading.session, extractor, reading.marks, ask)
            if not is_read:
                return False
        return True

    async def _give_back(self, job: Job, error: Exception) -> None:
        """Ask again later, or keep as a dead letter. An endpoint that is away is not the session's fault: no limit."""
        wait_s = self._retry_s(job.attempts)
        is_away = isinstance(error, ExtractorUnavailableError)
        if isinstance(error, ExtractorUnavailableError) and error.retry_after_s is not None:
            wait_s = max(wait_s, error.retry_after_s)
        is_dead = not is_away and job.attempts >= self._settings.max_attempts
        retry_at = None if is_dead else self._clock() + timedelta(seconds=wait_s)
        logger.warning("extraction %s failed (attempt %s): %s", job.id, job.attempts, type(error).__name__)
        await self._store.jobs.fail(job.id, describe(error), retry_at)

    def _retry_s(self, attempts: int) -> float:
        settings = self._settings
        return backoff_s(attempts, first_s=settings.first_retry_s, longest_s=settings.longest_retry_s)
