"""Sessions are read in the background, once, whatever fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from recollect.domain.ids import MessageNumber, ProjectId, SessionNumber
from recollect.domain.jobs import JobKind
from recollect.domain.memories import Attribute, Claim, Evidence, Extraction
from recollect.errors import ExtractorUnavailableError
from recollect.extractors.rules import RuleExtractor
from recollect.remembering.knowledge import Knowledge
from recollect.stores.in_memory import in_memory_store
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import ManualClock, Writer, said
from recollect.worker import ExtractionSettings, ExtractionWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from recollect.domain.messages import StoredMessage
    from recollect.remembering.knowledge import VaultKnowledge
    from recollect.stores.base import Store

_QUICK = ExtractionSettings(poll_s=0.02, first_retry_s=0.01)


class Quoting:
    """Claims every message as a note; fails, waits or lies as told."""

    def __init__(self, name: str = "quoting", version: str = "1", window_tokens: int = 1000) -> None:
        self.name = name
        self.version = version
        self.window_tokens = window_tokens
        self.windows: list[list[str]] = []
        self.failing: dict[str, Exception] = {}
        self.began = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.prefix = ""

    async def extract(self, messages: Sequence[StoredMessage]) -> Extraction:
        self.windows.append([message.text for message in messages])
        self.began.set()
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        for message in messages:
            for word, error in self.failing.items():
                if word in message.text:
                    raise error
        return Extraction(tuple(self._claim(message) for message in messages))

    def _claim(self, message: StoredMessage) -> Claim:
        quote = self.prefix + message.text
        evidence = Evidence(message.number, 0, len(quote), quote)
        return Claim("user", Attribute.NOTE, quote, (evidence,), message.occurred_at)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory"])
async def store(clock: ManualClock, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    is_memory = request.param == "memory"
    store = in_memory_store(clock=clock) if is_memory else open_sqlite_store(tmp_path / "recollect.db", clock=clock)
    yield store
    await store.control.close()


@pytest.fixture
def extractor() -> Quoting:
    return Quoting()


@pytest.fixture
def worker(store: Store, extractor: Quoting, clock: ManualClock) -> ExtractionWorker:
    return ExtractionWorker(store, [extractor], settings=_QUICK, clock=clock)


async def known(writer: Writer) -> VaultKnowledge:
    return await Knowledge(writer.store.knowledge).of(await writer.vault())


async def values(writer: Writer) -> list[str]:
    return [one.value for one in (await known(writer)).timeline.believed()]


async def test_a_quiet_session_is_read_once(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    assert await worker.run_until_idle() == 0
    clock.advance(601)
    assert await worker.run_until_idle() == 1
    assert await values(writer) == ["hi", "hello"]
    assert await worker.run_until_idle() == 0
    assert extractor.windows == [["hi", "hello"]]


async def test_only_windows_that_changed_are_read_again(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    extractor.window_tokens = 2
    writer = Writer(store)
    await writer.write(said("user", "aaaa"), said("assistant", "bbbb"), said("user", "cccc"))
    clock.advance(601)
    await worker.run_until_idle()
    await writer.write(said("assistant", "dddd"), said("tool", "never read"), said("user", "eeee"))
    clock.advance(601)
    await worker.run_until_idle()
    assert extractor.windows == [["aaaa", "bbbb"], ["cccc"], ["cccc", "dddd"], ["eeee"]]
    assert await values(writer) == ["aaaa", "bbbb", "cccc", "dddd", "eeee"]


async def test_what_no_message_says_is_dropped_and_counted(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    extractor.prefix = "so: "
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    clock.advance(601)
    await worker.run_until_idle()
    assert await values(writer) == []
    assert (await store.knowledge.progress()).dropped == {"no_evidence": 2}


async def test_a_failing_extractor_loses_nothing_of_the_others(store: Store, clock: ManualClock) -> None:
    first, second = Quoting("first"), Quoting("second")
    worker = ExtractionWorker(store, [first, second], settings=_QUICK, clock=clock)
    second.failing["poison"] = KeyError("my secret")
    good, bad = Writer(store), Writer(store, user="bob")
    await bad.exchange("poison", "yes")
    await good.exchange("hi", "hello")
    for _ in range(8):
        clock.advance(601)
        await worker.run_until_idle()
    assert await values(good) == ["hi", "hello"]
    assert await values(bad) == ["poison", "yes"]
    (dead,) = await store.jobs.list_dead(9)
    assert (dead.kind, dead.attempts, dead.last_error) == (JobKind.EXTRACT, 5, "KeyError")
    assert (len(first.windows), len(second.windows)) == (2, 6)
    second.failing.clear()
    assert await store.jobs.replay_dead(9) == 1
    await worker.run_until_idle()
    assert (await store.knowledge.progress()).extracted == {"first": 4, "second": 4}
    assert len(first.windows) == 2


async def test_an_endpoint_that_is_away_buries_nothing(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    await Writer(store).exchange("hi", "hello")
    extractor.failing["hi"] = ExtractorUnavailableError("Too many requests.", retry_after_s=3000)
    clock.advance(601)
    assert await worker.run_until_idle() == 1
    for _ in range(8):
        clock.advance(2999)
        assert await worker.run_until_idle() == 0
        clock.advance(2)
        assert await worker.run_until_idle() == 1
    assert await store.jobs.list_dead(9) == []
    assert (await store.jobs.backlog()).waiting == 2
    assert (await store.knowledge.progress()).due == 1


async def test_a_window_that_hangs_is_a_failure(store: Store, extractor: Quoting, clock: ManualClock) -> None:
    worker = ExtractionWorker(store, [extractor], settings=replace(_QUICK, window_s=0.05), clock=clock)
    await Writer(store).exchange("hi", "hello")
    extractor.gate = asyncio.Event()
    for _ in range(6):
        clock.advance(601)
        await worker.run_until_idle()
    (dead,) = await store.jobs.list_dead(9)
    assert dead.last_error == "TimeoutError"


async def test_the_quick_extractor_does_not_wait_for_the_slow_one(store: Store, clock: ManualClock) -> None:
    quick, slow = Quoting("quick"), Quoting("slow", window_tokens=1)
    settings = replace(_QUICK, round_s=0.0)
    worker = ExtractionWorker(store, [quick, slow], settings=settings, clock=clock)
    for user in ("alice", "bob", "carl"):
        await Writer(store, user=user).exchange("hi", "hello")
    clock.advance(601)
    assert await worker._round() == 3
    assert (len(quick.windows), slow.windows) == (3, [])
    (job, *_) = await store.jobs.lease(9, 1, JobKind.EXTRACT)
    assert job.attempts == 1
    clock.advance(2)
    await ExtractionWorker(store, [quick, slow], settings=_QUICK, clock=clock).run_until_idle()
    assert (len(quick.windows), len(slow.windows)) == (3, 6)


async def test_two_workers_never_run_one_job_twice(store: Store, clock: ManualClock) -> None:
    seen: list[Quoting] = [Quoting() for _ in range(3)]
    workers = [ExtractionWorker(store, [one], settings=replace(_QUICK, lease_jobs=2), clock=clock) for one in seen]
    for number in range(20):
        await Writer(store, user=f"u{number}").exchange(f"hi {number}", "hello")
    assert await store.knowledge.enqueue_due(clock.at, {}, 99) == 20
    await asyncio.gather(*(worker.run_until_idle() for worker in workers))
    read = [window[0] for one in seen for window in one.windows]
    assert sorted(read) == sorted(f"hi {number}" for number in range(20))
    assert sum(bool(one.windows) for one in seen) > 1


async def test_a_session_that_changes_while_it_is_read_is_read_again(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    writer = Writer(store)
    receipt = await writer.exchange("hi", "hello")
    extractor.gate = asyncio.Event()
    clock.advance(601)
    working = asyncio.create_task(worker.run_until_idle())
    await extractor.began.wait()
    await store.messages.delete_message(await writer.vault(), receipt.ids[0])
    extractor.gate.set()
    await working
    assert await values(writer) == ["hello"]
    assert extractor.windows == [["hi", "hello"], ["hello"]]


async def test_reprocessing_goes_on_behind_recall(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    clock.advance(601)
    await worker.run_until_idle()
    vault = await writer.vault()
    await store.knowledge.request(vault, anew=True)
    assert await values(writer) == ["hi", "hello"]
    other = Quoting("other")
    await ExtractionWorker(store, [other], settings=_QUICK, clock=clock).run_until_idle()
    assert (await store.knowledge.progress()).extracted == {"other": 2}
    assert await values(writer) == ["hi", "hello"]


async def test_a_new_version_reads_everything_again(
    store: Store, worker: ExtractionWorker, extractor: Quoting, clock: ManualClock
) -> None:
    await Writer(store).exchange("hi", "hello")
    clock.advance(601)
    await worker.run_until_idle()
    newer = Quoting(version="2")
    assert await ExtractionWorker(store, [newer], settings=_QUICK, clock=clock).run_until_idle() == 1
    assert newer.windows == [["hi", "hello"]]
    assert await ExtractionWorker(store, [newer], settings=_QUICK, clock=clock).run_until_idle() == 0


async def test_a_running_worker_reads_what_somebody_asks_for(store: Store, extractor: Quoting) -> None:
    worker = ExtractionWorker(store, [extractor], settings=replace(_QUICK, poll_s=60))
    extracted = asyncio.Event()

    async def note(_vault: int) -> None:
        extracted.set()

    worker.on_extracted = note
    worker.start()
    await asyncio.sleep(0.05)
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    await store.knowledge.request(await writer.vault(), MessageNumber(1))
    worker.notify()
    async with asyncio.timeout(5):
        await extracted.wait()
    await worker.stop()
    assert await values(writer) == ["hi", "hello"]


async def test_a_stuck_job_sounds_the_alarm(
    store: Store, worker: ExtractionWorker, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await Writer(store).exchange("hi", "hello")
    clock.advance(16 * 60)
    worker.start()
    for _ in range(200):
        await asyncio.sleep(0.01)
        if caplog.records:
            break
    await worker.stop()
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "stuck: the oldest is unfinished since 2026-03-01 12:00 UTC" in record.getMessage()


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("I moved from Porto to Lisbon in April", "Porto", "Lisbon"),
        ("Ich bin im April von Porto nach Lissabon gezogen.", "Porto", "Lissabon"),
        ("Me mudé de Oporto a Lisboa en abril.", "Oporto", "Lisboa"),
    ],
)
async def test_a_move_is_one_home_now_and_one_before(
    store: Store, clock: ManualClock, text: str, old: str, new: str
) -> None:
    may = datetime(2026, 5, 12, 10, 30, tzinfo=UTC)
    writer = Writer(store, at=may)
    await writer.write(said("user", text, at=may), said("assistant", "How nice!", at=may))
    clock.advance(601)
    await ExtractionWorker(store, [RuleExtractor()], settings=_QUICK, clock=clock).run_until_idle()
    timeline = (await known(writer)).timeline
    assert [one.value for one in timeline.at(may)] == [new]
    assert [one.value for one in timeline.at(datetime(2026, 3, 15, tzinfo=UTC))] == [old]
    assert len(timeline.believed()) == 2
    assert all(one.evidence[0].quote == text for one in timeline.believed())


async def test_one_can_wait_for_a_session(store: Store, worker: ExtractionWorker, extractor: Quoting) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    vault = await writer.vault()
    assert not await worker.wait_read(vault, SessionNumber(1), 0.0)
    worker.start()
    try:
        await store.knowledge.request(vault, SessionNumber(1))
        assert await worker.wait_read(vault, SessionNumber(1), 60)
        assert await values(writer) == ["hi", "hello"]
        assert await worker.wait_read(vault, None, 60)
    finally:
        await worker.stop()
    assert worker.names(ProjectId("default")) == ("quoting",)


async def test_a_session_that_cannot_be_read_is_not_waited_for(
    store: Store, extractor: Quoting, clock: ManualClock
) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    vault = await writer.vault()
    extractor.failing["hi"] = ValueError("strange")
    once = replace(_QUICK, max_attempts=1)
    worker = ExtractionWorker(store, [extractor], settings=once, clock=clock)
    await store.knowledge.request(vault)
    await worker.run_until_idle()
    assert not await worker.wait_read(vault, SessionNumber(1), 60)
    assert await worker.wait_read(vault, SessionNumber(2), 60)


async def test_a_project_may_have_extractors_of_its_own(store: Store, clock: ManualClock) -> None:
    shared, common, special = Quoting("rules"), Quoting("llm"), Quoting("llm:clinic")
    mine, theirs = Writer(store), Writer(store, project=ProjectId("clinic/ward"))
    before = ExtractionWorker(store, [shared, common], settings=_QUICK, clock=clock)
    own = {ProjectId("clinic"): [shared, special]}
    worker = ExtractionWorker(store, [shared, common], own=own, settings=_QUICK, clock=clock)
    assert worker.names(ProjectId("default")) == ("rules", "llm")
    assert worker.names(ProjectId("clinic/ward")) == ("rules", "llm:clinic")
    await mine.exchange("hi", "hello")
    await theirs.exchange("ouch", "oh")
    for reader in (before, worker):
        for writer in (mine, theirs):
            await store.knowledge.request(await writer.vault())
        await reader.run_until_idle()
    assert special.windows == [["ouch", "oh"]]
    assert len(common.windows) == 2
    record = await store.knowledge.knowledge(await theirs.vault())
    assert record is not None
    assert [one.extractor for one in record.windows] == ["llm:clinic", "rules"]
    common.version = "2"
    again = ExtractionWorker(store, [shared, common], own=own, settings=_QUICK, clock=clock)
    assert await again.run_until_idle() == 1
    assert await again.run_until_idle() == 0
