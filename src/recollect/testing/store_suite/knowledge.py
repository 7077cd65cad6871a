"""What extractors found, edits, and which sessions are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.capture import After
from recollect.domain.edits import Edit, EditKind, Feedback
from recollect.domain.ids import ConflictId, MemoryId, MessageNumber, ProjectId, SessionNumber, VaultId
from recollect.domain.jobs import JobKind
from recollect.domain.knowledge import ExtractionProgress, WindowExtraction, WindowMark
from recollect.domain.memories import (
    Attribute,
    Change,
    Claim,
    Entity,
    Evidence,
    Extraction,
    Relation,
    SessionSummary,
)
from recollect.testing.store_suite.samples import PROJECT, START, Writer, passage, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.jobs import Job
    from recollect.stores.base import Store
    from recollect.testing.store_suite.samples import ManualClock

_SESSION = SessionNumber(1)
_QUOTE = Evidence(MessageNumber(1), 0, 2, "hi")
_CLAIM = Claim("user", Attribute.NOTE, "hi \N{GRINNING FACE}\0", (_QUOTE,), START, recorded_at=START)
_WHOLE = Extraction(
    claims=(
        _CLAIM,
        replace(
            _CLAIM,
            subject="Bob",
            change=Change.CORRECTS,
            valid_from=START,
            valid_to=START,
            denied="Oslo",
            is_quotation=True,
            category="travel",
        ),
    ),
    entities=(Entity("Bob", (MessageNumber(1),), ("Bobby",)),),
    relations=(Relation("Bob", "lives in", "Rome", (_QUOTE,), START, Change.ENDS, START, START, START),),
    summary=SessionSummary((_QUOTE,), "Short.", "Long."),
    dropped={"no_evidence": 2},
)


def window(place: int, numbers: Sequence[int], *, digest: str = "d", found: Extraction = _WHOLE) -> WindowExtraction:
    """A window that was read."""
    return WindowExtraction(place, "1", digest, tuple(map(MessageNumber, numbers)), found, START)


async def _queued(store: Store, clock: ManualClock, quiet_s: float = 600, **versions: str) -> list[Job]:
    """Queue what is due, and take it."""
    await store.knowledge.enqueue_due(clock.at - timedelta(seconds=quiet_s), versions, 99)
    return await store.jobs.lease(99, 60, JobKind.EXTRACT)


class KnowledgeTests:
    """The knowledge store."""

    async def test_a_session_is_due_when_it_is_quiet(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        clock.advance(300)
        await writer.exchange("and", "so")
        clock.advance(599)
        assert await _queued(store, clock) == []
        clock.advance(1)
        (job,) = await _queued(store, clock)
        assert (job.vault, job.session, job.attempts) == (await writer.vault(), receipt.session_number, 1)
        assert await store.jobs.lease(99, 60) != []

    async def test_a_session_is_due_at_once_when_it_has_grown(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        for number in range(4):
            assert await _queued(store, clock) == []
            await writer.write(said("user", f"{number}" + "x" * 2000))
        (job,) = await _queued(store, clock)
        await store.jobs.complete([job.id])
        await writer.write(said("user", "and more"))
        assert await _queued(store, clock) == []

    async def test_what_is_stored_already_makes_nothing_due(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        (job,) = await _queued(store, clock, 0)
        await store.jobs.complete([job.id])
        await writer.write(said("user", "hi"), said("assistant", "hello"), anchor=After(None))
        assert (await store.knowledge.progress()).due == 0

    async def test_a_session_has_one_job(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        quiet_since = clock.at
        assert await store.knowledge.enqueue_due(quiet_since, {}, 9) == 1
        await writer.exchange("and", "so")
        assert await store.knowledge.enqueue_due(quiet_since, {}, 9) == 1
        (job,) = await store.jobs.lease(9, 60, JobKind.EXTRACT)
        await writer.exchange("more", "yes")
        assert await store.knowledge.enqueue_due(quiet_since, {}, 9) == 0
        await store.jobs.complete([job.id])
        assert await store.knowledge.enqueue_due(quiet_since, {}, 9) == 1

    async def test_what_changes_behind_the_beginning_is_due_again(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        (job,) = await _queued(store, clock, 0)
        await writer.exchange("and", "so")
        await store.knowledge.begin(job.vault, _SESSION)
        await store.jobs.complete([job.id])
        assert await _queued(store, clock, 0) == []
        await writer.exchange("more", "yes")
        assert len(await _queued(store, clock, 0)) == 1

    async def test_a_dead_letter_waits_anew_when_its_session_changes(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        (job,) = await _queued(store, clock, 0)
        await store.jobs.fail(job.id, "TooStrangeError", None)
        assert await _queued(store, clock, 0) == []
        await writer.exchange("and", "so")
        (again,) = await _queued(store, clock, 0)
        assert (again.id, again.attempts, await store.jobs.list_dead(9)) == (job.id, 1, [])

    async def test_anybody_may_ask_for_a_session_or_for_all(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        for session in "ab":
            await writer.write(said("user", session), session=session)
        vault = await writer.vault()
        await store.jobs.complete([job.id for job in await _queued(store, clock, 0)])
        assert await store.knowledge.request(vault, SessionNumber(2)) == 1
        (job,) = await _queued(store, clock)
        assert job.session == 2
        await store.jobs.fail(job.id, "EmbedderUnavailableError", clock.at + timedelta(hours=5))
        assert await store.knowledge.request(vault) == 2
        assert [one.session for one in await _queued(store, clock)] == [2, 1]
        assert await store.knowledge.request(vault, SessionNumber(3)) == 0
        assert await store.knowledge.request(VaultId(vault + 1000)) == 0

    async def test_what_was_found_comes_back_as_it_was_put(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        before = await store.knowledge.knowledge(vault)
        assert before is not None
        assert (before.windows, before.edits, before.abandoned) == ((), (), frozenset())
        put = window(0, receipt.numbers)
        assert await store.knowledge.put_windows(vault, _SESSION, "rules", [put], 1) == 1
        after = await store.knowledge.knowledge(vault, before.sequence)
        assert after is not None
        (found,) = after.windows
        assert (found.session, found.extractor, found.window) == (_SESSION, "rules", put)
        assert await store.knowledge.knowledge(vault, after.sequence) is None

    async def test_windows_are_replaced_and_cut_off(self, store: Store) -> None:
        writer = Writer(store)
        await writer.write(*(said("user", text) for text in "abc"))
        vault = await writer.vault()
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(n, [n + 1]) for n in range(3)], 3)
        await store.knowledge.put_windows(vault, _SESSION, "llm", [window(0, [1, 2, 3])], 1)
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(1, [2], digest="new")], 2)
        assert await store.knowledge.begin(vault, _SESSION) == [
            WindowMark("llm", 0, "d"),
            WindowMark("rules", 0, "d"),
            WindowMark("rules", 1, "new"),
        ]
        await store.knowledge.put_windows(vault, _SESSION, "rules", [], 0)
        assert await store.knowledge.begin(vault, _SESSION) == [WindowMark("llm", 0, "d")]

    async def test_reading_anew_keeps_what_was_found_until_then(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        vault = await writer.vault()
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [1])], 1)
        await store.knowledge.request(vault, _SESSION)
        assert await store.knowledge.begin(vault, _SESSION) == [WindowMark("rules", 0, "d")]
        await store.knowledge.request(vault, anew=True)
        assert await store.knowledge.begin(vault, _SESSION) == [WindowMark("rules", 0, "")]
        record = await store.knowledge.knowledge(vault)
        assert record is not None
        assert record.windows[0].window.found == _WHOLE

    async def test_what_one_extractor_found_can_be_read_anew_alone(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        vault = await writer.vault()
        for name in ("llm", "rules"):
            await store.knowledge.put_windows(vault, _SESSION, name, [window(0, [1])], 1)
        assert await store.knowledge.request(vault, anew=True, extractor="llm") == 1
        marks = [WindowMark("llm", 0, ""), WindowMark("rules", 0, "d")]
        assert await store.knowledge.begin(vault, _SESSION) == marks

    async def test_sessions_that_another_version_read_are_queued_once(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        vault = await writer.vault()
        (job,) = await _queued(store, clock, 0)
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [1])], 1)
        await store.jobs.complete([job.id])
        assert await _queued(store, clock, rules="1", llm="9") == []
        assert len(await _queued(store, clock, rules="2")) == 1
        assert await store.knowledge.enqueue_due(START, {"rules": "2"}, 9) == 0

    async def test_a_branch_given_up_no_longer_counts(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [1, 2])], 1)
        before = await store.knowledge.knowledge(vault)
        assert before is not None
        await writer.write(said("assistant", "hey"), anchor=After(first.ids[0]))
        after = await store.knowledge.knowledge(vault, before.sequence)
        assert after is not None
        assert (before.abandoned, after.abandoned) == (frozenset(), frozenset(first.numbers[1:]))

    async def test_a_deleted_message_takes_what_was_read_in_it(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        await writer.write(said("user", "elsewhere"), session="t")
        vault = await writer.vault()
        for job in await _queued(store, clock, 0):
            await store.jobs.complete([job.id])
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [2]), window(1, [1, 2])], 2)
        await store.knowledge.put_windows(vault, SessionNumber(2), "rules", [window(0, [3])], 1)
        await store.knowledge.add_edit(vault, Edit(EditKind.ADD, START, claim=_CLAIM))
        await store.knowledge.add_edit(vault, Edit(EditKind.PIN, START, MemoryId("mem_1")))
        before = await store.knowledge.knowledge(vault)
        assert before is not None
        assert await store.messages.delete_message(vault, receipt.ids[0])
        after = await store.knowledge.knowledge(vault, before.sequence)
        assert after is not None
        assert [(one.session, one.window.window) for one in after.windows] == [(1, 0), (2, 0)]
        assert [one.kind for one in after.edits] == [EditKind.PIN]
        assert [job.session for job in await _queued(store, clock)] == [1]

    async def test_what_was_read_in_a_message_that_is_gone_is_not_stored(
        self, store: Store, clock: ManualClock
    ) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        (job,) = await _queued(store, clock, 0)
        await store.messages.delete_message(vault, receipt.ids[0])
        await store.knowledge.begin(vault, _SESSION)
        put = [window(0, [1]), window(1, [2])]
        assert await store.knowledge.put_windows(vault, _SESSION, "rules", put, 2) == 1
        await store.jobs.complete([job.id])
        assert [mark.window for mark in await store.knowledge.begin(vault, _SESSION)] == [1]
        late = Edit(EditKind.ADD, START, claim=_CLAIM)
        assert not await store.knowledge.add_edit(vault, late)

    async def test_edits_come_back_in_order(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        vault = await writer.vault()
        memory = MemoryId("mem_0123456789abcdef")
        edits = [
            Edit(EditKind.ADD, START, claim=_CLAIM, told=MessageNumber(1)),
            Edit(EditKind.EXPIRE, START, memory, expires_at=START + timedelta(days=1)),
            Edit(EditKind.FEEDBACK, START, memory, feedback=Feedback.NEVER_USE),
            Edit(EditKind.RESOLVE, START, memory, conflict=ConflictId("cfl_0123456789abcdef")),
        ]
        for edit in edits:
            assert await store.knowledge.add_edit(vault, edit)
        record = await store.knowledge.knowledge(vault)
        assert record is not None
        assert list(record.edits) == edits

    async def test_an_erased_vault_knows_nothing(self, store: Store, clock: ManualClock) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        vault = await writer.vault()
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [1])], 1)
        await store.knowledge.add_edit(vault, Edit(EditKind.ADD, START, claim=_CLAIM))
        known = await store.knowledge.knowledge(vault)
        assert known is not None
        await store.vaults.erase_vault(vault, START)
        record = await store.knowledge.knowledge(vault, known.sequence)
        assert record is not None
        assert (record.windows, record.edits) == ((), ())
        assert await _queued(store, clock, 0) == []
        assert await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [1])], 1) == 0
        assert not await store.knowledge.add_edit(vault, Edit(EditKind.PIN, START, MemoryId("mem_1")))
        assert await store.knowledge.begin(vault, _SESSION) == []
        assert await store.knowledge.progress(vault=vault) == ExtractionProgress()

    async def test_the_progress_counts_what_is_derived(self, store: Store, clock: ManualClock) -> None:
        writer, other = Writer(store), Writer(store, user="bob")
        began = clock.at
        await writer.write(*(said("user", text) for text in "abc"))
        clock.advance(5)
        await other.exchange("hi", "hello")
        vault = await writer.vault()
        await store.index.put_passages(vault, [passage(1), passage(2, model="")])
        await store.knowledge.put_windows(vault, _SESSION, "rules", [window(0, [1, 2]), window(1, [3])], 2)
        await store.knowledge.put_windows(vault, _SESSION, "llm", [window(0, [1])], 1)
        own = await store.knowledge.progress(vault=vault)
        assert (own.messages, own.indexed, own.embedded) == (3, 2, 1)
        assert (own.extracted, own.dropped) == ({"llm": 1, "rules": 3}, {"no_evidence": 6})
        assert (own.due, own.oldest_due_at) == (1, began)
        assert await store.knowledge.enqueue_due(clock.at, {}, 9) == 2
        whole = await store.knowledge.progress(project=PROJECT)
        assert whole == await store.knowledge.progress()
        assert (whole.messages, whole.due) == (5, 2)
        for number, due in ((1, 1), (2, 0)):
            assert (await store.knowledge.progress(vault=vault, session=SessionNumber(number))).due == due
        for job in await store.jobs.lease(9, 60, JobKind.EXTRACT):
            await store.jobs.complete([job.id])
        assert (await store.knowledge.progress()).due == 0
        await writer.write(said("user", "d"), session="t")
        for number, due in ((1, 0), (2, 1)):
            assert (await store.knowledge.progress(vault=vault, session=SessionNumber(number))).due == due
        assert await store.knowledge.progress(project=ProjectId("nobody's")) == ExtractionProgress()
