"""What a capture stores, and what it knows already."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from recollect.domain.capture import After, Capture
from recollect.domain.ids import SessionName, message_id, session_root
from recollect.domain.messages import NewMessage
from recollect.testing.store_suite.samples import HEAD, PROJECT, START, Writer, said

if TYPE_CHECKING:
    from recollect.stores.base import Store


class CaptureTests:
    """Captures at the head, again, and at once."""

    async def test_a_message_comes_back_as_it_was_written(self, store: Store) -> None:
        writer = Writer(store, agent_id="tutor")
        message = NewMessage(
            role="tool",
            text='nul \0, quote ", emoji 🥾, right-to-left שלום',
            occurred_at=datetime(1969, 7, 20, 22, 17, 40, 7, tzinfo=timezone(timedelta(hours=2))),
            content='[{"type": "text", "text": "…"}]',
            name="Ann",
            external_id="ext-1",
            metadata='{"topic": "trips"}',
            is_partial=True,
        )
        receipt = await writer.write(message)
        found = await store.messages.find_message(await writer.vault(), receipt.ids[0])
        assert found is not None
        assert (found.number, found.session, found.depth, found.is_live) == (receipt.numbers[0], "s", 0, True)
        assert (found.session_number, found.captured_at) == (receipt.session_number, writer.at)
        for field in ("role", "text", "occurred_at", "content", "name", "external_id", "metadata", "is_partial"):
            assert getattr(found, field) == getattr(message, field)
        assert found.agent_id == "tutor"
        assert found.occurred_at.astimezone(UTC).microsecond == 7

    async def test_text_that_utf8_cannot_spell_is_stored_with_replacements(self, store: Store) -> None:
        writer = Writer(store)
        await writer.write(said("user", "half \ud83e of a pair"))
        assert (await writer.texts())[0].startswith("half ")

    async def test_ids_are_content_addresses(self, store: Store) -> None:
        receipt = await Writer(store).exchange("hi", "hello")
        first = message_id(session_root(SessionName("s")), said("user", "hi").fingerprint)
        assert receipt.ids == (first, message_id(first, said("assistant", "hello").fingerprint))
        assert (receipt.stored, receipt.duplicates) == (2, 0)

    async def test_a_distinguisher_makes_another_message_of_the_same_words(self, store: Store) -> None:
        writer = Writer(store)
        plain, noon = said("user", "ok"), said("user", "ok", distinguisher="noon")
        assert plain.identity == plain.fingerprint == noon.fingerprint != noon.identity
        first = await writer.write(noon, anchor=After(None))
        assert first.ids == (message_id(session_root(SessionName("s")), noon.identity),)
        again = await writer.write(noon, anchor=After(None))
        assert (again.ids, again.stored) == (first.ids, 0)
        other = await writer.write(plain, anchor=After(None))
        assert other.ids == (message_id(session_root(SessionName("s")), plain.identity),)
        assert other.stored == 1

    async def test_a_capture_is_known_again_by_what_distinguishes_its_messages(self, store: Store) -> None:
        writer = Writer(store)
        capture = Capture(
            PROJECT,
            "alice",
            SessionName("s"),
            HEAD,
            (said("user", "ok", distinguisher="noon"), said("assistant", "fine", distinguisher="noon")),
            START,
        )
        delivered = [await store.messages.capture(capture) for _ in range(2)]
        assert [receipt.stored for receipt in delivered] == [2, 0]
        plain = replace(capture, messages=(said("user", "ok"), said("assistant", "fine")))
        writer.receipts.append(await store.messages.capture(plain))
        assert await writer.texts() == ["ok", "fine", "ok", "fine"]

    async def test_a_question_asked_at_another_time_is_no_retry(self, store: Store) -> None:
        writer = Writer(store)
        asked = [said("user", "Well?", distinguisher=at) for at in ("noon", "noon", "midnight")]
        assert [(await writer.write(one)).stored for one in asked] == [1, 0, 1]
        assert await writer.texts() == ["Well?", "Well?"]

    async def test_captures_at_the_head_follow_one_another(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        await writer.exchange("hi", "hello")
        assert await writer.texts() == ["hi", "hello", "hi", "hello"]

    async def test_a_history_sent_again_adds_only_what_is_new(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        history = [said("user", "hi"), said("assistant", "hello"), said("user", "how are you?")]
        receipt = await writer.write(*history, anchor=After(None))
        assert (receipt.stored, receipt.duplicates) == (1, 2)
        assert await writer.texts() == ["hi", "hello", "how are you?"]

    async def test_an_unanswered_question_sent_again_is_a_duplicate(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.write(said("user", "hi"))
        again = await writer.write(said("user", "hi"))
        assert again.ids == first.ids
        assert (again.stored, again.duplicates) == (0, 1)
        answered = await writer.exchange("hi", "hello")
        assert (answered.stored, answered.duplicates) == (1, 1)
        assert await writer.texts() == ["hi", "hello"]

    async def test_an_answer_repeated_at_the_head_is_no_duplicate(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        receipt = await writer.write(said("assistant", "hello"))
        assert receipt.stored == 1

    async def test_a_capture_delivered_twice_is_stored_once(self, store: Store) -> None:
        capture = Capture(
            PROJECT, "alice", SessionName("s"), HEAD, (said("user", "hi"), said("assistant", "hello")), START
        )
        first = await store.messages.capture(capture)
        writer = Writer(store)
        await writer.exchange("more?", "no")
        again = await store.messages.capture(capture)
        assert (again.ids, again.numbers, again.stored) == (first.ids, first.numbers, 0)
        assert await writer.texts() == ["hi", "hello", "more?", "no"]

    async def test_a_capture_that_a_later_history_overtook_is_stored_once(self, store: Store) -> None:
        late = Capture(PROJECT, "alice", SessionName("s"), HEAD, (said("user", "two"), said("assistant", "2")), START)
        writer = Writer(store)
        history = [said("user", "one"), said("assistant", "1"), *late.messages, said("user", "three")]
        await writer.write(*history, anchor=After(None))
        assert (await store.messages.capture(late)).stored == 0
        different = replace(late, messages=(said("user", "two"), said("assistant", "II")))
        assert (await store.messages.capture(different)).stored == 2
        assert await writer.texts() == ["one", "1", "two", "2", "three", "two", "II"]

    async def test_an_id_of_the_caller_is_known_within_its_session(self, store: Store) -> None:
        writer = Writer(store)
        await writer.write(said("user", "a", external_id="1"), said("user", "b", external_id="2"))
        receipt = await writer.write(
            said("user", "b, edited", external_id="2"),
            said("user", "c", external_id="3"),
            said("user", "c again", external_id="3"),
        )
        assert (receipt.stored, receipt.duplicates) == (1, 2)
        assert receipt.numbers[1] == receipt.numbers[2]
        assert await writer.texts() == ["a", "b", "c"]
        elsewhere = await writer.write(said("user", "b", external_id="2"), session="t")
        assert elsewhere.stored == 1

    async def test_a_known_id_behind_a_named_place_goes_on_from_there(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.write(*(said("user", text, external_id=text) for text in "abc"))
        receipt = await writer.write(
            said("user", "B", external_id="b"), said("user", "d", external_id="d"), anchor=After(first.ids[0])
        )
        assert receipt.stored == 1
        assert await writer.texts() == ["a", "b", "d"]

    async def test_a_capture_without_messages_opens_the_session(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write()
        assert (receipt.ids, receipt.stored) == ((), 0)
        assert await store.sessions.find_session(await writer.vault(), SessionName("s")) is not None

    async def test_messages_come_in_the_order_asked_for(self, store: Store) -> None:
        writer = Writer(store)
        one, two = (await writer.exchange("hi", "hello")).numbers
        found = await store.messages.messages(await writer.vault(), [two, one, type(one)(99), two])
        assert [message.number for message in found] == [two, one, two]

    async def test_messages_are_paged_in_order_of_capture(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write(*(said("user", text) for text in "abcd"))
        vault = await writer.vault()
        first = await store.messages.list_messages(vault, limit=3)
        assert [message.text for message in first] == ["a", "b", "c"]
        rest = await store.messages.list_messages(vault, limit=3, after=first[-1].number)
        assert [message.text for message in rest] == ["d"]
        newest = await store.messages.session_messages(vault, receipt.session_number, limit=2)
        assert [message.text for message in newest] == ["c", "d"]
        before = await store.messages.session_messages(vault, receipt.session_number, limit=2, before_depth=2)
        assert [message.text for message in before] == ["a", "b"]
        assert await store.messages.session_messages(vault, receipt.session_number, limit=0) == []

    async def test_captures_at_once_into_one_session_all_stand_in_a_row(self, store: Store) -> None:
        captures = [
            Capture(
                PROJECT,
                "alice",
                SessionName("s"),
                HEAD,
                (said("user", f"q{number}"), said("assistant", f"a{number}")),
                START + timedelta(seconds=number),
            )
            for number in range(20)
        ]
        receipts = await asyncio.gather(*map(store.messages.capture, captures))
        assert {receipt.session_number for receipt in receipts} == {receipts[0].session_number}
        writer = Writer(store, receipts=list(receipts))
        texts = await writer.texts()
        assert sorted(texts) == sorted(message.text for capture in captures for message in capture.messages)
        for question, answer in zip(texts[::2], texts[1::2], strict=True):
            assert (question[0], answer[0], question[1:]) == ("q", "a", answer[1:])

    async def test_captures_of_new_users_at_once_share_no_vault(self, store: Store) -> None:
        writers = [Writer(store, user=f"user-{number % 4}") for number in range(16)]
        await asyncio.gather(
            *(writer.write(said("user", f"m{index}"), session=f"s{index}") for index, writer in enumerate(writers))
        )
        assert len(await store.vaults.list_vaults(PROJECT, limit=99)) == 4
        for number in range(4):
            found = await store.messages.list_messages(await writers[number].vault(), limit=99)
            assert {message.text for message in found} == {f"m{number + step}" for step in (0, 4, 8, 12)}
