"""SQLite and its in-memory twin agree on any course of events."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from recollect.domain.capture import After, AtHead, Capture
from recollect.domain.ids import SessionName
from recollect.stores.base import Store
from recollect.stores.in_memory import in_memory_store
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import ManualClock, passage, said
from recollect.testing.store_suite.samples import PROJECT, START

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from recollect.domain.ids import MessageId

_MESSAGES = st.lists(
    st.builds(
        said,
        st.sampled_from(["user", "assistant"]),
        st.sampled_from(["a", "b", "c"]),
        external_id=st.none() | st.none() | st.sampled_from(["1", "2"]),
        distinguisher=st.just("") | st.sampled_from(["", "noon"]),
    ),
    min_size=1,
    max_size=3,
)
_USERS = st.sampled_from(["alice", "bob"])
_SESSIONS = st.sampled_from(["s", "t"])


class StoresAgree(RuleBasedStateMachine):
    """Whatever is done to both stores, both answer alike."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.seconds = 0
        self.ids: list[MessageId] = []
        self.captures: list[Capture] = []

    @initialize()
    def open(self) -> None:
        self.stores = (
            open_sqlite_store(self.directory / "recollect.db", clock=self.clock, readers=1),
            in_memory_store(clock=self.clock),
        )

    def teardown(self) -> None:
        for store in getattr(self, "stores", ()):
            self.runner.run(store.control.close())
        self.runner.close()
        shutil.rmtree(self.directory)

    def both(self, call: Callable[[Store], Awaitable[Any]]) -> Any:
        async def ask(store: Store) -> Any:
            return await call(store)

        sqlite, twin = (self.runner.run(ask(store)) for store in self.stores)
        assert sqlite == twin
        return sqlite

    @rule(user=_USERS, session=_SESSIONS, messages=_MESSAGES, data=st.data())
    def capture(self, user: str, session: str, messages: list[Any], data: st.DataObject) -> None:
        places = st.just(AtHead()) | st.just(After(None))
        if self.ids:
            places |= st.sampled_from(self.ids[-12:]).map(After)
        self.seconds += 1
        self.clock.advance(0.001)
        at = START + timedelta(seconds=self.seconds)
        capture = Capture(PROJECT, user, SessionName(session), data.draw(places), tuple(messages), at)
        self.captures.append(capture)
        receipt = self.both(lambda store: store.messages.capture(capture))
        self.ids.extend(receipt.ids)

    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        if self.captures:
            self.clock.advance(0.001)
            capture = data.draw(st.sampled_from(self.captures[-6:]))
            receipt = self.both(lambda store: store.messages.capture(capture))
            self.ids.extend(receipt.ids)

    @rule(user=_USERS, data=st.data())
    def delete(self, user: str, data: st.DataObject) -> None:
        if self.ids:
            message = data.draw(st.sampled_from(self.ids[-12:]))
            vault = self.vault(user)
            self.both(lambda store: store.messages.delete_message(vault, message))

    @rule(user=_USERS, numbers=st.sets(st.integers(1, 9), min_size=1), model=st.sampled_from(["m", "n"]))
    def index(self, user: str, numbers: set[int], model: str) -> None:
        vault = self.vault(user)
        rows = [passage(number, model=model) for number in sorted(numbers)]
        self.both(lambda store: store.index.put_passages(vault, rows))

    @rule(limit=st.integers(1, 4))
    def work(self, limit: int) -> None:
        self.clock.advance(1)

        async def lease_and_complete(store: Store) -> list[Any]:
            jobs = await store.jobs.lease(limit, 10)
            await store.jobs.complete([job.id for job in jobs[::2]])
            return [(job.vault, job.numbers, job.attempts) for job in jobs]

        self.both(lease_and_complete)

    @rule()
    def fall_stale(self) -> None:
        self.clock.advance(0.001)
        self.both(lambda store: store.index.enqueue_stale("n", 5))

    @rule(user=_USERS)
    def erase(self, user: str) -> None:
        vault = self.vault(user)
        self.both(lambda store: store.vaults.erase_vault(vault, START))

    @invariant()
    def the_same_is_stored(self) -> None:
        if not hasattr(self, "stores"):
            return
        self.both(lambda store: store.vaults.list_vaults(PROJECT, limit=9))
        self.both(lambda store: store.jobs.backlog())
        for user in ("alice", "bob"):
            self.compare_vault(user)

    def compare_vault(self, user: str) -> None:
        opened = self.both(lambda store: store.vaults.open_vault(PROJECT, user, may_create=False))
        if opened is None:
            return
        vault = opened.id
        self.both(lambda store: store.messages.list_messages(vault, limit=99))
        self.both(lambda store: store.index.pending(vault))
        delta = self.both(lambda store: store.index.changes(vault, epoch=0, after=0))
        live = [(row.session_number, row.depth) for row in delta.messages if row.is_live]
        assert len(live) == len(set(live))
        for session in self.both(lambda store: store.sessions.list_sessions(vault, limit=9)):
            branch = self.both(lambda store, number=session.number: store.sessions.branch(vault, number))
            assert len(branch) == session.messages

    def vault(self, user: str) -> Any:
        return self.both(lambda store: store.vaults.open_vault(PROJECT, user, may_create=True)).id


StoresAgree.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoresAgree = StoresAgree.TestCase
