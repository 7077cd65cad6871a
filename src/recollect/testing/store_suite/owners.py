"""Keys, vaults and sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.capture import After
from recollect.domain.ids import KeyId, ProjectId, SessionName, SessionNumber, VaultId
from recollect.domain.keys import KeyKind, MemoryKey, MemoryMode
from recollect.errors import ConflictError
from recollect.testing.store_suite.samples import PROJECT, START, Writer, said

if TYPE_CHECKING:
    from recollect.stores.base import Store

_KEY = MemoryKey(
    id=KeyId("key_1"),
    project=PROJECT,
    digest=b"\x00digest\xff",
    kind=KeyKind.VAULT,
    mode=MemoryMode.READ,
    created_at=START,
    name="laptop",
    user="alice",
    hint="wxyz",
)


class OwnerTests:
    """Who owns what."""

    async def test_a_key_is_found_by_its_digest(self, store: Store) -> None:
        await store.keys.create_key(_KEY)
        assert await store.keys.find_key(_KEY.digest) == _KEY
        assert await store.keys.find_key(b"another") is None

    async def test_a_key_cannot_be_stored_twice(self, store: Store) -> None:
        await store.keys.create_key(_KEY)
        for again in (replace(_KEY, digest=b"other"), replace(_KEY, id=KeyId("key_2"))):
            try:
                await store.keys.create_key(again)
            except ConflictError:
                continue
            raise AssertionError(again)

    async def test_keys_are_listed_in_order_of_creation(self, store: Store) -> None:
        second = replace(_KEY, id=KeyId("a"), digest=b"2", created_at=START + timedelta(seconds=1))
        foreign = replace(_KEY, id=KeyId("b"), digest=b"3", project=ProjectId("other"), created_at=START)
        for key in (second, _KEY, foreign):
            await store.keys.create_key(key)
        assert await store.keys.list_keys(PROJECT) == [_KEY, second]
        assert await store.keys.list_keys() == [foreign, _KEY, second]

    async def test_only_the_project_revokes_its_key_and_only_once(self, store: Store) -> None:
        await store.keys.create_key(_KEY)
        at = START + timedelta(hours=1)
        assert not await store.keys.revoke_key(ProjectId("other"), _KEY.id, at)
        assert await store.keys.revoke_key(PROJECT, _KEY.id, at)
        assert not await store.keys.revoke_key(PROJECT, _KEY.id, at)
        assert await store.keys.find_key(_KEY.digest) == replace(_KEY, revoked_at=at)

    async def test_a_vault_is_opened_once_per_user(self, store: Store) -> None:
        assert await store.vaults.open_vault(PROJECT, "alice", may_create=False) is None
        alice = await store.vaults.open_vault(PROJECT, "alice", may_create=True)
        assert alice is not None
        assert (alice.project, alice.user, alice.created_at) == (PROJECT, "alice", START)
        assert await store.vaults.open_vault(PROJECT, "alice", may_create=True) == alice
        assert await store.vaults.open_vault(PROJECT, "alice", may_create=False) == alice
        bob = await store.vaults.open_vault(PROJECT, "bob", may_create=True)
        elsewhere = await store.vaults.open_vault(ProjectId("other"), "alice", may_create=True)
        assert len({vault.id for vault in (alice, bob, elsewhere) if vault is not None}) == 3

    async def test_vaults_are_listed_by_user_page_by_page(self, store: Store) -> None:
        for user in ("mia", "alice", "Émile", "bob"):
            await store.vaults.open_vault(PROJECT, user, may_create=True)
        await store.vaults.open_vault(ProjectId("other"), "carol", may_create=True)
        first = await store.vaults.list_vaults(PROJECT, limit=3)
        assert [summary.vault.user for summary in first] == ["alice", "bob", "mia"]
        rest = await store.vaults.list_vaults(PROJECT, limit=3, after="mia")
        assert [summary.vault.user for summary in rest] == ["Émile"]

    async def test_large_vaults_that_were_in_use_last(self, store: Store) -> None:
        for user, texts, day in (("anna", "abc", 1), ("bob", "abcd", 3), ("carl", "ab", 4), ("dora", "abc", 2)):
            at = START + timedelta(days=day)
            await Writer(store, user=user, at=at).write(*(said("user", text, at=at) for text in texts))
        await store.vaults.open_vault(ProjectId("other"), "ella", may_create=True)
        await Writer(store, user="fritz", project=ProjectId("other")).write(*(said("user", text) for text in "abc"))
        vaults = {user: await Writer(store, user=user).vault() for user in ("anna", "bob", "dora")}
        fritz = await Writer(store, user="fritz", project=ProjectId("other")).vault()
        ordered = [vaults["bob"], vaults["dora"], vaults["anna"], fritz]
        assert await store.vaults.recent_vaults(3, limit=9) == ordered
        assert await store.vaults.recent_vaults(3, limit=2) == ordered[:2]
        assert await store.vaults.recent_vaults(5, limit=9) == []

    async def test_a_vault_counts_messages_on_every_branch(self, store: Store) -> None:
        writer = Writer(store)
        vault = await writer.vault()
        empty = await store.vaults.summarise_vault(vault)
        assert empty is not None
        assert (empty.messages, empty.sessions, empty.last_active_at) == (0, 0, None)
        receipt = await writer.exchange("hi", "hello")
        await writer.exchange("no", "yes", after=receipt.ids[0])
        await writer.write(said("user", "x", at=START - timedelta(days=3)), session="t")
        summary = await store.vaults.summarise_vault(vault)
        assert summary is not None
        assert (summary.messages, summary.sessions, summary.last_active_at) == (5, 2, START)
        assert await store.vaults.summarise_vault(VaultId(vault + 1000)) is None

    async def test_a_session_keeps_its_agent_and_counts_its_live_branch(self, store: Store) -> None:
        writer = Writer(store, agent_id="tutor")
        receipt = await writer.exchange("hi", "hello")
        await writer.write(said("assistant", "hey", at=START + timedelta(seconds=1)))
        session = await store.sessions.find_session(await writer.vault(), SessionName("s"))
        assert session is not None
        assert (session.number, session.agent_id, session.messages) == (receipt.session_number, "tutor", 3)
        assert (session.started_at, session.last_active_at) == (START, START + timedelta(seconds=1))
        assert await store.sessions.find_session(await writer.vault(), SessionName("t")) is None

    async def test_the_latest_session_is_the_agents_own(self, store: Store) -> None:
        writer = Writer(store)
        vault = await writer.vault()
        assert await store.sessions.latest_session(vault, None) is None
        now = START + timedelta(hours=1)
        writer.at = now
        await writer.write(said("user", "today", at=now), session="today")
        await writer.write(said("user", "old", at=now - timedelta(days=900)), session="imported")
        writer.agent_id = "tutor"
        await writer.write(said("user", "lesson", at=now), session="lesson")
        for agent, name in ((None, "today"), ("tutor", "lesson")):
            session = await store.sessions.latest_session(vault, agent)
            assert session is not None
            assert session.name == name
        assert await store.sessions.latest_session(vault, "cook") is None

    async def test_sessions_are_listed_newest_first(self, store: Store) -> None:
        writer = Writer(store)
        for name in ("a", "b", "c"):
            await writer.write(said("user", "hi"), session=name)
        vault = await writer.vault()
        first = await store.sessions.list_sessions(vault, limit=2)
        assert [session.name for session in first] == ["c", "b"]
        rest = await store.sessions.list_sessions(vault, limit=2, before=first[-1].number)
        assert [session.name for session in rest] == ["a"]

    async def test_sessions_are_found_by_what_their_live_branch_holds(self, store: Store) -> None:
        writer = Writer(store)
        first = await writer.exchange("hi", "hello")
        await writer.write(said("assistant", "hey"), anchor=After(first.ids[0]))
        await writer.write(said("user", "hi", at=START + timedelta(seconds=5)), session="t")
        vault = await writer.vault()
        hi, hello = said("user", "hi").fingerprint, said("assistant", "hello").fingerprint
        found = await store.sessions.sessions_with(vault, [hello, hi], 9)
        assert [session.name for session, _ in found] == ["t", "s"]
        assert [branch for _, branch in found] == [
            await store.sessions.branch(vault, session.number) for session, _ in found
        ]
        assert [session.name for session, _ in await store.sessions.sessions_with(vault, [hi], 1)] == ["t"]
        assert await store.sessions.sessions_with(vault, [hello], 9) == []
        assert await store.sessions.sessions_with(vault, [], 9) == []
        await writer.write(said("assistant", "hello", distinguisher="noon"), session="u")
        assert [session.name for session, _ in await store.sessions.sessions_with(vault, [hello], 9)] == ["u"]

    async def test_nothing_of_a_vault_is_seen_from_another(self, store: Store) -> None:
        alice, bob = Writer(store), Writer(store, user="bob")
        receipt = await alice.exchange("hi", "hello")
        await bob.exchange("salut", "bonjour")
        vault = await bob.vault()
        assert await store.messages.find_message(vault, receipt.ids[0]) is None
        assert [message.text for message in await store.messages.list_messages(vault, limit=9)] == ["salut", "bonjour"]
        assert not await store.messages.delete_message(vault, receipt.ids[0])
        assert await store.sessions.sessions_with(vault, [said("user", "hi").fingerprint], 9) == []
        assert await alice.texts() == ["hi", "hello"]

    async def test_a_vault_that_does_not_exist_is_empty(self, store: Store) -> None:
        vault = VaultId(4711)
        assert await store.sessions.branch(vault, SessionNumber(1)) == []
        assert await store.sessions.list_sessions(vault, limit=9) == []
        assert await store.messages.list_messages(vault, limit=9) == []
        assert (await store.index.changes(vault, epoch=3, after=3)).messages == []
        assert await store.index.pending(vault) == 0
