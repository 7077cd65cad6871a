"""The worker derives what is missing, once, whatever fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from recollect.domain.capture import AtHead, Capture
from recollect.domain.ids import SessionName, TraceId
from recollect.domain.traces import Trace
from recollect.errors import EmbedderUnavailableError
from recollect.stores.base import PassageRow, Store
from recollect.stores.in_memory import in_memory_store
from recollect.stores.spool import Spool
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import ManualClock, Writer, passage, said
from recollect.testing.store_suite.samples import PROJECT, START
from recollect.worker import Worker, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from recollect.domain.messages import StoredMessage

_QUICK = WorkerSettings(poll_s=0.02, idle_poll_s=0.02, housekeeping_s=0.02, first_retry_s=0.01)


class FakeIndexer:
    """Makes one passage a message; fails as told for texts that hold a word."""

    def __init__(self, model: str = "model-a") -> None:
        self.model = model
        self.calls: list[list[str]] = []
        self.failing: dict[str, Exception] = {}

    async def index(self, messages: Sequence[StoredMessage]) -> list[PassageRow]:
        self.calls.append([message.text for message in messages])
        for message in messages:
            for word, error in self.failing.items():
                if word in message.text:
                    raise error
        return [passage(message.number, model=self.model) for message in messages if message.text != "[image]"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(clock: ManualClock, tmp_path: Path) -> AsyncIterator[Store]:
    store = open_sqlite_store(tmp_path / "recollect.db", clock=clock)
    yield store
    await store.control.close()


@pytest.fixture
def indexer() -> FakeIndexer:
    return FakeIndexer()


@pytest.fixture
def worker(store: Store, indexer: FakeIndexer, clock: ManualClock) -> Worker:
    return Worker(store, indexer, model="model-a", settings=_QUICK, clock=clock)


async def _indexed(writer: Writer) -> list[int]:
    delta = await writer.store.index.changes(await writer.vault(), epoch=0, after=0)
    return [row.message_number for row in delta.passages]


async def test_jobs_of_a_vault_are_indexed_together(store: Store, worker: Worker, indexer: FakeIndexer) -> None:
    alice, bob = Writer(store), Writer(store, user="bob")
    for number in range(3):
        await alice.exchange(f"q{number}", f"a{number}")
    await bob.exchange("salut", "bonjour")
    assert await worker.run_until_idle() == 4
    assert sorted(map(len, indexer.calls)) == [2, 6]
    assert await _indexed(alice) == [1, 2, 3, 4, 5, 6]
    assert await _indexed(bob) == [1, 2]
    assert (await store.jobs.backlog()).waiting == 0


async def test_a_batch_is_bounded(store: Store, indexer: FakeIndexer, clock: ManualClock) -> None:
    writer = Writer(store)
    for number in range(5):
        await writer.exchange(f"q{number}", f"a{number}")
    worker = Worker(store, indexer, model="model-a", settings=replace(_QUICK, batch_messages=4), clock=clock)
    await worker.run_until_idle()
    assert list(map(len, indexer.calls)) == [4, 4, 2]


async def test_a_message_with_nothing_to_index_is_done(store: Store, worker: Worker) -> None:
    writer = Writer(store)
    await writer.write(said("user", "[image]"))
    await worker.run_until_idle()
    assert await store.index.pending(await writer.vault()) == 0
    assert await store.index.enqueue_stale("model-a", 9) == 0


async def test_one_that_cannot_be_indexed_does_not_block_the_others(
    store: Store, worker: Worker, indexer: FakeIndexer, clock: ManualClock
) -> None:
    writer = Writer(store)
    for text in ("one", "two", "poison: my secret", "four", "five"):
        await writer.write(said("user", text))
    indexer.failing["poison"] = KeyError("my secret")
    for _ in range(6):
        await worker.run_until_idle()
        clock.advance(100)
    assert await _indexed(writer) == [1, 2, 4, 5]
    (dead,) = await store.jobs.list_dead(9)
    assert (dead.numbers, dead.attempts, dead.last_error) == ((3,), 5, "KeyError")
    indexer.failing.clear()
    assert await store.jobs.replay_dead(9) == 1
    await worker.run_until_idle()
    assert await _indexed(writer) == [1, 2, 3, 4, 5]


async def test_a_failed_job_waits_longer_each_time(store: Store, indexer: FakeIndexer, clock: ManualClock) -> None:
    settings = replace(_QUICK, first_retry_s=10.0, longest_retry_s=40.0)
    worker = Worker(store, indexer, model="model-a", settings=settings, clock=clock)
    await Writer(store).write(said("user", "poison"))
    indexer.failing["poison"] = ValueError("bad")
    assert await worker.run_until_idle() == 1
    clock.advance(4.9)
    assert await worker.run_until_idle() == 0
    clock.advance(10.2)
    assert await worker.run_until_idle() == 1
    clock.advance(9.9)
    assert await worker.run_until_idle() == 0


async def test_a_model_that_is_away_buries_nothing(
    store: Store, worker: Worker, indexer: FakeIndexer, clock: ManualClock
) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    indexer.failing["h"] = EmbedderUnavailableError("The endpoint does not answer.")
    for _ in range(8):
        assert await worker.run_until_idle() == 1
        clock.advance(120)
    assert len(indexer.calls) == 8
    assert await store.jobs.list_dead(9) == []
    indexer.failing.clear()
    await worker.run_until_idle()
    assert await _indexed(writer) == [1, 2]


async def test_a_job_whose_worker_died_is_taken_over(store: Store, worker: Worker, clock: ManualClock) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    await store.jobs.lease(9, 30)
    assert await worker.run_until_idle() == 0
    clock.advance(31)
    assert await worker.run_until_idle() == 1
    assert await _indexed(writer) == [1, 2]


async def test_two_workers_do_no_job_twice(store: Store, clock: ManualClock) -> None:
    writer = Writer(store)
    for number in range(40):
        await writer.write(said("user", f"m{number}"))
    indexers = [FakeIndexer(), FakeIndexer()]
    settings = replace(_QUICK, lease_jobs=3)
    workers = [Worker(store, one, model="model-a", settings=settings, clock=clock) for one in indexers]
    assert sum(await asyncio.gather(*(worker.run_until_idle() for worker in workers))) == 40
    texts = [text for indexer in indexers for call in indexer.calls for text in call]
    assert sorted(texts) == sorted(f"m{number}" for number in range(40))


async def test_waiting_ends_when_the_vault_is_indexed(store: Store, worker: Worker) -> None:
    writer = Writer(store)
    worker.start()
    await writer.exchange("hi", "hello")
    assert await worker.wait_indexed(await writer.vault(), 20.0)
    assert await _indexed(writer) == [1, 2]
    await worker.stop()


async def test_waiting_sees_what_another_process_indexes(store: Store, worker: Worker, clock: ManualClock) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    waiting = asyncio.create_task(worker.wait_indexed(await writer.vault(), 20.0))
    other = Worker(store, FakeIndexer(), model="model-a", settings=_QUICK, clock=clock)
    await other.run_until_idle()
    assert await waiting


async def test_waiting_is_bounded(store: Store, worker: Worker) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    assert not await worker.wait_indexed(await writer.vault(), 0.05)


async def test_a_new_model_indexes_anew_in_the_background(store: Store, worker: Worker, clock: ManualClock) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    await worker.run_until_idle()
    changed = Worker(store, FakeIndexer("model-b"), model="model-b", settings=_QUICK, clock=clock)
    changed.start()
    vault = await writer.vault()
    models: set[str] = set()
    for _ in range(500):
        models = {row.model for row in (await store.index.changes(vault, epoch=0, after=0)).passages}
        if models == {"model-b"}:
            break
        await asyncio.sleep(0.01)
    assert models == {"model-b"}
    await changed.stop()


async def test_the_spool_is_drained_from_the_start(tmp_path: Path, indexer: FakeIndexer) -> None:
    store, spool = in_memory_store(), Spool(tmp_path / "spool")
    await spool.append(Capture(PROJECT, "alice", SessionName("s"), AtHead(), (said("user", "hi"),), START))
    worker = Worker(store, indexer, model="model-a", spool=spool, settings=_QUICK)
    worker.start()
    for _ in range(500):
        if not spool.pending() and indexer.calls:
            break
        await asyncio.sleep(0.01)
    assert indexer.calls == [["hi"]]
    await worker.stop()


async def test_old_traces_are_pruned(clock: ManualClock, indexer: FakeIndexer) -> None:
    store = in_memory_store(clock=clock)
    for name, days in (("old", 8), ("new", 1)):
        await store.traces.put_trace(Trace(TraceId(name), PROJECT, None, START - timedelta(days=days), "{}"))
    worker = Worker(store, indexer, model="model-a", settings=_QUICK, clock=clock)
    worker.start()
    for _ in range(500):
        if await store.traces.find_trace(PROJECT, TraceId("old")) is None:
            break
        await asyncio.sleep(0.01)
    assert await store.traces.find_trace(PROJECT, TraceId("old")) is None
    assert await store.traces.find_trace(PROJECT, TraceId("new")) is not None
    await worker.stop()


async def test_stopping_finishes_the_batch_and_gives_the_rest_back(store: Store, clock: ManualClock) -> None:
    for user in ("alice", "bob"):
        await Writer(store, user=user).exchange("hi", "hello")
    entered, go_on = asyncio.Event(), asyncio.Event()

    class SlowIndexer(FakeIndexer):
        async def index(self, messages: Sequence[StoredMessage]) -> list[PassageRow]:
            entered.set()
            await go_on.wait()
            return await super().index(messages)

    worker = Worker(store, SlowIndexer(), model="model-a", settings=_QUICK, clock=clock)
    worker.start()
    await entered.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    backlog = await store.jobs.backlog()
    assert (backlog.waiting, backlog.leased) == (1, 0)


async def test_a_defect_does_not_end_the_worker(tmp_path: Path, indexer: FakeIndexer) -> None:
    class BrokenOnce:
        def __init__(self) -> None:
            self.calls = 0

        def pending(self) -> int:
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError
            return 0

        async def append(self, capture: Capture) -> None:
            raise AssertionError(capture)

        async def drain(self, store: object) -> int:
            raise AssertionError(store)

    store, spool = in_memory_store(), BrokenOnce()
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    worker = Worker(store, indexer, model="model-a", spool=spool, settings=_QUICK)
    worker.start()
    assert await worker.wait_indexed(await writer.vault(), 20.0)
    assert spool.calls >= 1
    await worker.stop()


async def test_who_holds_an_index_is_told_when_a_vault_was_indexed(store: Store, worker: Worker) -> None:
    writer = Writer(store)
    await writer.exchange("one", "two")
    told: list[int] = []

    async def note(vault: int) -> None:
        told.append(vault)
        assert len(await _indexed(writer)) == 2

    worker.on_indexed = note
    await worker.run_until_idle()
    assert told == [await writer.vault()]
