"""Branches: edits, regenerated answers, and returning to an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.capture import After
from recollect.domain.ids import MessageId, SessionName
from recollect.testing.store_suite.samples import Writer, said

if TYPE_CHECKING:
    from recollect.stores.base import Store


class BranchTests:
    """At most one message of a session is live at each depth."""

    async def test_a_regenerated_answer_takes_the_place_of_the_other(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.exchange("hi", "hello")
        await writer.exchange("and?", "nothing")
        await writer.write(said("assistant", "hey"), anchor=After(first.ids[0]))
        assert await writer.texts() == ["hi", "hey"]
        everything = await store.messages.list_messages(await writer.vault(), limit=9)
        assert [(message.text, message.is_live) for message in everything] == [
            ("hi", True),
            ("hello", False),
            ("and?", False),
            ("nothing", False),
            ("hey", True),
        ]
        session = await store.sessions.find_session(await writer.vault(), SessionName("s"))
        assert session is not None
        assert session.messages == 2

    async def test_an_edited_first_message_abandons_all(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        await writer.write(said("user", "good morning"), anchor=After(None))
        assert await writer.texts() == ["good morning"]

    async def test_a_branch_that_is_sent_again_is_live_again(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.exchange("hi", "hello")
        await writer.write(said("assistant", "hey"), said("user", "what?"), anchor=After(first.ids[0]))
        receipt = await writer.write(
            said("user", "hi"), said("assistant", "hello"), said("user", "so"), anchor=After(None)
        )
        assert (receipt.stored, receipt.duplicates) == (1, 2)
        assert await writer.texts() == ["hi", "hello", "so"]

    async def test_going_on_from_an_abandoned_message_revives_what_leads_to_it(self, store: Store) -> None:
        writer = Writer(store)
        old = await writer.write(*(said("user", text) for text in ("a", "b", "c")))
        await writer.write(said("user", "B"), said("user", "C"), anchor=After(old.ids[0]))
        await writer.write(said("user", "d"), anchor=After(old.ids[2]))
        assert await writer.texts() == ["a", "b", "c", "d"]

    async def test_sending_a_part_of_the_live_branch_changes_nothing(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        receipt = await writer.write(said("user", "hi"), anchor=After(None))
        assert receipt.stored == 0
        assert await writer.texts() == ["hi", "hello"]

    async def test_a_capture_behind_a_message_nobody_knows_is_kept_at_the_head_once(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        unknown = After(MessageId(b"0123456789abcdef"))
        first = await writer.write(said("user", "lost"), anchor=unknown)
        again = await writer.write(said("user", "lost"), anchor=unknown)
        assert (first.stored, again.stored, again.ids) == (1, 0, first.ids)
        assert await writer.texts() == ["hi", "hello", "lost"]

    async def test_the_branch_tells_what_alignment_needs(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        branch = await store.sessions.branch(await writer.vault(), receipt.session_number)
        assert [(entry.id, entry.number, entry.role) for entry in branch] == [
            (receipt.ids[0], receipt.numbers[0], "user"),
            (receipt.ids[1], receipt.numbers[1], "assistant"),
        ]
        assert branch[0].fingerprint == branch[0].identity == said("user", "hi").fingerprint

    async def test_the_branch_knows_words_from_what_distinguishes_them(self, store: Store) -> None:
        writer = Writer(store)
        message = said("user", "hi", distinguisher="noon")
        receipt = await writer.write(message)
        (entry,) = await store.sessions.branch(await writer.vault(), receipt.session_number)
        assert (entry.fingerprint, entry.identity) == (said("user", "hi").fingerprint, message.identity)

    async def test_what_followed_a_deleted_message_stays_live(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write(*(said("user", text) for text in ("a", "b", "c")))
        vault = await writer.vault()
        assert await store.messages.delete_message(vault, receipt.ids[1])
        assert not await store.messages.delete_message(vault, receipt.ids[1])
        assert await writer.texts() == ["a", "c"]
        await writer.write(said("user", "b"), anchor=After(receipt.ids[0]))
        assert await writer.texts() == ["a", "b", "c"]

    async def test_sessions_do_not_touch_one_another(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.write(said("user", "a"), said("user", "b"), session="s")
        await writer.write(said("user", "a"), said("user", "x"), session="t", anchor=After(None))
        assert await writer.texts(first.session_number) == ["a", "b"]
        assert await writer.texts() == ["a", "x"]
