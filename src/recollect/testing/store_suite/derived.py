"""Passages, and how an index follows a vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.capture import After
from recollect.testing.store_suite.samples import START, Writer, passage, said

if TYPE_CHECKING:
    from recollect.stores.base import Store


class DerivedTests:
    """The index store."""

    async def test_a_new_message_is_a_change_with_its_text(self, store: Store) -> None:
        writer = Writer(store, agent_id="tutor")
        receipt = await writer.exchange("hi", "hello")
        delta = await store.index.changes(await writer.vault(), epoch=0, after=0)
        assert [row.text for row in delta.messages] == ["hi", "hello"]
        row = delta.messages[0]
        assert (row.number, row.session_number) == (receipt.numbers[0], receipt.session_number)
        assert (row.depth, row.is_live, row.role, row.name, row.agent_id) == (0, True, "user", None, "tutor")
        assert row.occurred_at_ms == int(START.timestamp() * 1000)
        assert row.captured_at_ms == row.occurred_at_ms + 1000
        assert (row.fingerprint, row.metadata) == (said("user", "hi").fingerprint, None)
        assert delta.passages == []

    async def test_a_change_names_the_words_whatever_distinguishes_the_message(self, store: Store) -> None:
        writer = Writer(store)
        await writer.write(said("user", "hi", distinguisher="noon"))
        (row,) = (await store.index.changes(await writer.vault(), epoch=0, after=0)).messages
        assert row.fingerprint == said("user", "hi").fingerprint

    async def test_passages_come_back_as_they_were_put(self, store: Store) -> None:
        writer = Writer(store)
        one, two = (await writer.exchange("hi", "hello")).numbers
        vault = await writer.vault()
        before = await store.index.changes(vault, epoch=0, after=0)
        rows = [passage(one, 0, mark=b"a"), passage(one, 1, mark=b"\0"), passage(two, mark=b"\xc3", model="")]
        await store.index.put_passages(vault, rows)
        delta = await store.index.changes(vault, epoch=before.epoch, after=before.sequence)
        assert delta.passages == rows
        assert [(row.number, row.text) for row in delta.messages] == [(one, None), (two, None)]
        again = await store.index.changes(vault, epoch=delta.epoch, after=delta.sequence)
        assert (again.messages, again.passages, again.sequence) == ([], [], delta.sequence)

    async def test_putting_replaces_all_passages_of_a_message(self, store: Store) -> None:
        writer = Writer(store)
        one, two = (await writer.exchange("hi", "hello")).numbers
        vault = await writer.vault()
        await store.index.put_passages(vault, [passage(one, 0), passage(one, 1), passage(two)])
        seen = await store.index.changes(vault, epoch=0, after=0)
        await store.index.put_passages(vault, [passage(one, model="model-b")])
        delta = await store.index.changes(vault, epoch=seen.epoch, after=seen.sequence)
        assert delta.passages == [passage(one, model="model-b")]
        whole = await store.index.changes(vault, epoch=0, after=0)
        assert whole.passages == [passage(one, model="model-b"), passage(two)]

    async def test_passages_of_a_message_that_is_gone_are_dropped(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        await store.messages.delete_message(vault, receipt.ids[0])
        await store.index.put_passages(vault, [passage(number) for number in receipt.numbers])
        delta = await store.index.changes(vault, epoch=0, after=0)
        assert delta.passages == [passage(receipt.numbers[1])]

    async def test_a_branch_given_up_is_a_change(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        seen = await store.index.changes(vault, epoch=0, after=0)
        await writer.write(said("assistant", "hey"), anchor=After(first.ids[0]))
        delta = await store.index.changes(vault, epoch=seen.epoch, after=seen.sequence)
        assert [(row.number, row.is_live) for row in delta.messages] == [(first.numbers[1], False), (3, True)]
        await writer.write(said("assistant", "hello"), anchor=After(first.ids[0]))
        back = await store.index.changes(vault, epoch=delta.epoch, after=delta.sequence)
        assert [(row.number, row.is_live) for row in back.messages] == [(first.numbers[1], True), (3, False)]

    async def test_deleting_begins_a_new_epoch(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        await store.index.put_passages(vault, [passage(number) for number in receipt.numbers])
        seen = await store.index.changes(vault, epoch=0, after=0)
        await store.messages.delete_message(vault, receipt.ids[0])
        delta = await store.index.changes(vault, epoch=seen.epoch, after=seen.sequence)
        assert delta.epoch != seen.epoch
        assert [row.number for row in delta.messages] == [receipt.numbers[1]]
        assert delta.passages == [passage(receipt.numbers[1])]

    async def test_a_large_vault_is_loaded_whole_and_in_order(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write(*(said("user", f"message {number}") for number in range(2100)))
        vault = await writer.vault()
        rows = [passage(number, piece) for number in receipt.numbers[:1100] for piece in (0, 1)]
        await store.index.put_passages(vault, rows)
        delta = await store.index.changes(vault, epoch=0, after=0)
        assert [row.number for row in delta.messages] == list(receipt.numbers)
        assert [row.text is None for row in delta.messages] == [True] * 1100 + [False] * 1000
        assert delta.passages == rows

    async def test_a_message_is_pending_until_it_has_passages(self, store: Store) -> None:
        writer = Writer(store)
        one, two = (await writer.exchange("hi", "hello")).numbers
        vault = await writer.vault()
        assert await store.index.pending(vault) == 2
        jobs = await store.jobs.lease(9, 60)
        assert await store.index.pending(vault) == 2
        await store.index.put_passages(vault, [passage(one)])
        assert await store.index.pending(vault) == 1
        await store.jobs.complete([job.id for job in jobs])
        assert await store.index.pending(vault) == 0
        delta = await store.index.changes(vault, epoch=0, after=0)
        assert [row.text for row in delta.messages if row.number == two] == [None]

    async def test_a_dead_letter_is_not_pending(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        (job,) = await store.jobs.lease(9, 60)
        await store.jobs.fail(job.id, "TooStrangeError", None)
        assert await store.index.pending(await writer.vault()) == 0

    async def test_passages_of_another_model_are_queued_anew_once(self, store: Store) -> None:
        writer = Writer(store)
        one, two, three = (await writer.write(*(said("user", text) for text in "abc"))).numbers
        vault = await writer.vault()
        await store.index.put_passages(vault, [passage(one, model="old"), passage(two, model="new")])
        await store.jobs.complete([job.id for job in await store.jobs.lease(9, 60)])
        assert await store.index.enqueue_stale("new", 9) == 1
        assert await store.index.enqueue_stale("new", 9) == 0
        (job,) = await store.jobs.lease(9, 60)
        assert job.numbers == (one,)
        assert three not in job.numbers

    async def test_stale_messages_are_queued_up_to_a_limit(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write(*(said("user", f"m{number}") for number in range(5)))
        await store.index.put_passages(await writer.vault(), [passage(number) for number in receipt.numbers])
        await store.jobs.complete([job.id for job in await store.jobs.lease(9, 60)])
        assert [await store.index.enqueue_stale("newer", 3) for _ in range(3)] == [3, 2, 0]
        numbers = [number for job in await store.jobs.lease(9, 60) for number in job.numbers]
        assert sorted(numbers) == list(receipt.numbers)
