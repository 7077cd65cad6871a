"""Deleting messages and erasing vaults, and what a store does when it is closed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from recollect.domain.capture import Injection
from recollect.domain.ids import Lineage, MessageNumber, SessionName, TraceId, VaultId
from recollect.domain.traces import Trace
from recollect.errors import StoreUnavailableError
from recollect.testing.store_suite.samples import PROJECT, START, Writer, passage, said

if TYPE_CHECKING:
    from recollect.stores.base import Store

_LINEAGE = Lineage(b"l" * 16)


class ErasureTests:
    """What is gone is gone."""

    async def test_deleting_a_message_deletes_what_quotes_it(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.write(said("user", "hi"), said("assistant", "hello"), trace_id=TraceId("trc_own"))
        vault = await writer.vault()
        quoting = Injection(_LINEAGE, "hi", (MessageNumber(1),), START)
        other = Injection(Lineage(b"o" * 16), "hello", (MessageNumber(2),), START)
        for injection in (quoting, other):
            await store.injections.put_injection(vault, injection)
        sources = {"trc_quote": (1, 2), "trc_other": (2,), "trc_own": ()}
        for name, numbers in sources.items():
            quoted = tuple(map(MessageNumber, numbers))
            await store.traces.put_trace(Trace(TraceId(name), PROJECT, vault, START, "{}", quoted))
        assert await store.messages.delete_message(vault, receipt.ids[0])
        assert await store.messages.find_message(vault, receipt.ids[0]) is None
        assert await store.injections.injections(vault, [quoting.lineage, other.lineage]) == [other]
        left = [name for name in sources if await store.traces.find_trace(PROJECT, TraceId(name)) is not None]
        assert left == ["trc_other"]
        summary = await store.vaults.summarise_vault(vault)
        session = await store.sessions.find_session(vault, SessionName("s"))
        assert summary is not None
        assert session is not None
        assert (summary.messages, session.messages) == (1, 1)
        assert await store.index.pending(vault) == 1

    async def test_numbers_are_not_used_again(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        await store.messages.delete_message(await writer.vault(), receipt.ids[1])
        assert (await writer.write(said("user", "more"))).numbers == (3,)

    async def test_erasing_a_vault_leaves_a_receipt_and_nothing_else(self, store: Store) -> None:
        writer, other = Writer(store), Writer(store, user="bob")
        receipt = await writer.exchange("hi", "hello")
        await other.exchange("salut", "bonjour")
        vault = await writer.vault()
        await store.index.put_passages(vault, [passage(1)])
        await store.injections.put_injection(vault, Injection(_LINEAGE, "hi", (MessageNumber(1),), START))
        await store.traces.put_trace(Trace(TraceId("trc_1"), PROJECT, vault, START, "{}"))
        erased = await store.vaults.erase_vault(vault, START)
        assert erased is not None
        assert (erased.user, erased.messages, erased.sessions, erased.erased_at) == ("alice", 2, 1, START)
        assert erased.digest == hashlib.sha256(b"".join(receipt.ids)).hexdigest()
        assert await store.vaults.summarise_vault(vault) is None
        assert await store.messages.list_messages(vault, limit=9) == []
        assert await store.sessions.list_sessions(vault, limit=9) == []
        assert await store.injections.injections(vault, [_LINEAGE]) == []
        assert await store.traces.find_trace(PROJECT, TraceId("trc_1")) is None
        assert (await store.index.changes(vault, epoch=1, after=1)).epoch == 0
        assert (await store.jobs.backlog(vault)).waiting == 0
        assert await store.vaults.erase_vault(vault, START) is None
        assert await other.texts() == ["salut", "bonjour"]

    async def test_an_erased_user_comes_back_to_an_empty_vault(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        old = await writer.vault()
        await store.vaults.erase_vault(old, START)
        assert await store.vaults.open_vault(PROJECT, "alice", may_create=False) is None
        receipt = await writer.exchange("hi", "hello")
        assert (receipt.stored, await writer.texts()) == (2, ["hi", "hello"])
        assert await writer.vault() != old
        assert await store.messages.list_messages(old, limit=9) == []

    async def test_work_on_a_vault_that_is_gone_does_no_harm(self, store: Store) -> None:
        writer = Writer(store)
        receipt = await writer.exchange("hi", "hello")
        vault = await writer.vault()
        (job,) = await store.jobs.lease(9, 60)
        await store.vaults.erase_vault(vault, START)
        await store.index.put_passages(vault, [passage(number) for number in receipt.numbers])
        await store.jobs.complete([job.id])
        await store.jobs.fail(job.id, "TooLateError", None)
        await store.traces.put_trace(Trace(TraceId("trc_1"), PROJECT, vault, START, "{}"))
        await store.injections.put_injection(vault, Injection(_LINEAGE, "hi", (), START))
        assert await store.traces.find_trace(PROJECT, TraceId("trc_1")) is None
        assert await store.injections.injections(vault, [_LINEAGE]) == []
        assert await store.jobs.list_dead(9) == []
        assert await store.vaults.erase_vault(VaultId(vault + 1000), START) is None

    async def test_a_closed_store_is_unavailable(self, store: Store) -> None:
        await store.control.check()
        await store.control.close()
        await store.control.close()
        for call in (store.control.check(), Writer(store).exchange("hi", "hello")):
            try:
                await call
            except StoreUnavailableError:
                continue
            raise AssertionError(call)
