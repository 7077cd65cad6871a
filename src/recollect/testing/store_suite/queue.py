"""The durable queue."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.jobs import JobKind, JobState
from recollect.testing.store_suite.samples import Writer, said

if TYPE_CHECKING:
    from recollect.stores.base import Store
    from recollect.testing.store_suite.samples import ManualClock


class QueueTests:
    """The job store."""

    async def test_a_capture_queues_one_index_job_for_its_new_messages(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        await writer.write(said("user", "bye"))
        await writer.write(said("user", "bye"))
        first, second = await store.jobs.lease(9, 60)
        assert (first.vault, first.kind, first.numbers) == (await writer.vault(), JobKind.INDEX, receipt.numbers)
        assert (first.attempts, first.state, first.created_at) == (1, JobState.LEASED, clock.at)
        assert second.numbers == (3,)

    async def test_a_leased_job_is_nobody_elses_until_its_lease_ends(self, store: Store, clock: ManualClock) -> None:
        await Writer(store).exchange("hi", "hello")
        (job,) = await store.jobs.lease(9, 30)
        clock.advance(29)
        assert await store.jobs.lease(9, 30) == []
        clock.advance(2)
        (again,) = await store.jobs.lease(9, 30)
        assert (again.id, again.attempts) == (job.id, 2)

    async def test_workers_at_once_share_no_job(self, store: Store) -> None:
        writer = Writer(store)
        for number in range(12):
            await writer.write(said("user", f"m{number}"))
        leases = await asyncio.gather(*(store.jobs.lease(3, 60) for _ in range(6)))
        ids = [job.id for lease in leases for job in lease]
        assert len(ids) == len(set(ids)) == 12

    async def test_the_oldest_job_goes_first(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        for text in ("a", "b", "c"):
            await writer.write(said("user", text))
            clock.advance(1)
        assert [job.numbers for job in await store.jobs.lease(2, 60)] == [(1,), (2,)]
        assert [job.numbers for job in await store.jobs.lease(2, 60)] == [(3,)]

    async def test_a_finished_job_is_gone(self, store: Store, clock: ManualClock) -> None:
        await Writer(store).exchange("hi", "hello")
        (job,) = await store.jobs.lease(9, 1)
        await store.jobs.complete([job.id])
        await store.jobs.complete([job.id])
        clock.advance(5)
        assert await store.jobs.lease(9, 60) == []
        assert (await store.jobs.backlog()).leased == 0

    async def test_a_released_job_was_not_tried(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        (job,) = await store.jobs.lease(9, 60)
        await store.jobs.fail(job.id, "TooStrangeError", clock.at)
        (job,) = await store.jobs.lease(9, 60)
        clock.advance(1)
        await writer.exchange("and", "so")
        await store.jobs.release([job.id])
        await store.jobs.release([job.id])
        first, second = await store.jobs.lease(9, 60)
        assert (first.id, first.attempts, first.last_error) == (job.id, 2, "TooStrangeError")
        assert second.attempts == 1
        await store.jobs.complete([first.id])
        await store.jobs.release([first.id])
        assert (await store.jobs.backlog()).waiting == 0

    async def test_a_job_that_does_not_end_is_an_alarm(self, store: Store, clock: ManualClock) -> None:
        await Writer(store).exchange("hi", "hello")
        began = clock.at
        for _ in range(9):
            (job,) = await store.jobs.lease(9, 60)
            clock.advance(99)
            await store.jobs.fail(job.id, "EmbedderUnavailableError", clock.at)
        backlog = await store.jobs.backlog()
        assert (backlog.oldest_open_at, backlog.alarm(clock.at)) == (began, None)
        clock.advance(10)
        assert "2026-03-01 12:00 UTC" in (backlog.alarm(clock.at) or "")
        await store.jobs.fail(job.id, "TooStrangeError", None)
        assert (await store.jobs.backlog()).alarm(clock.at) is None

    async def test_a_failed_job_comes_back_at_its_time(self, store: Store, clock: ManualClock) -> None:
        await Writer(store).exchange("hi", "hello")
        (job,) = await store.jobs.lease(9, 60)
        await store.jobs.fail(job.id, "EmbedderUnavailableError", clock.at + timedelta(seconds=10))
        clock.advance(9)
        assert await store.jobs.lease(9, 60) == []
        clock.advance(1)
        (again,) = await store.jobs.lease(9, 60)
        assert (again.id, again.attempts, again.last_error) == (job.id, 2, "EmbedderUnavailableError")

    async def test_a_dead_letter_waits_for_a_replay(self, store: Store, clock: ManualClock) -> None:
        writer, other = Writer(store), Writer(store, user="bob")
        await writer.exchange("hi", "hello")
        clock.advance(1)
        await other.exchange("hi", "hello")
        for job in await store.jobs.lease(9, 60):
            await store.jobs.fail(job.id, "TooStrangeError", None)
        clock.advance(3600)
        assert await store.jobs.lease(9, 60) == []
        vault = await writer.vault()
        first, second = await store.jobs.list_dead(9)
        assert (first.vault, first.state, first.last_error) == (vault, JobState.DEAD, "TooStrangeError")
        assert await store.jobs.list_dead(9, second.vault) == [second]
        assert await store.jobs.list_dead(1) == [first]
        assert await store.jobs.replay_dead(9, vault) == 1
        (again,) = await store.jobs.lease(9, 60)
        assert (again.id, again.attempts) == (first.id, 1)
        assert await store.jobs.replay_dead(9) == 1

    async def test_the_backlog_counts_by_state(self, store: Store, clock: ManualClock) -> None:
        writer, other = Writer(store), Writer(store, user="bob")
        began = clock.at
        for text in ("a", "b", "c"):
            await writer.write(said("user", text))
            clock.advance(1)
        await other.write(said("user", "d"))
        dead, _ = await store.jobs.lease(2, 10)
        await store.jobs.fail(dead.id, "TooStrangeError", None)
        backlog = await store.jobs.backlog()
        assert (backlog.waiting, backlog.leased, backlog.dead) == (2, 1, 1)
        assert backlog.oldest_waiting_at == began + timedelta(seconds=2)
        own = await store.jobs.backlog(await other.vault())
        assert (own.waiting, own.leased, own.dead, own.oldest_waiting_at) == (1, 0, 0, clock.at)
        clock.advance(10)
        assert (await store.jobs.backlog()).waiting == 3

    async def test_a_large_capture_becomes_several_jobs(self, store: Store) -> None:
        receipt = await Writer(store).write(*(said("user", f"m{number}") for number in range(150)))
        jobs = await store.jobs.lease(9, 60)
        assert len(jobs) > 1
        assert sorted(number for job in jobs for number in job.numbers) == list(receipt.numbers)
