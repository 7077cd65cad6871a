"""What is large and was in use last is in memory before anybody asks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from recollect.domain.capture import AtHead, Capture
from recollect.domain.ids import ProjectId, SessionName
from recollect.domain.messages import NewMessage
from recollect.recall.engine import RecallEngine
from recollect.stores.in_memory import in_memory_store
from recollect.testing.store_suite.samples import START
from recollect.worker import Warming


class Noted:
    """Indexes that note what is loaded."""

    def __init__(self):
        self.loaded = []
        self.has_begun = asyncio.Event()

    async def load(self, vault):
        self.loaded.append(vault)
        self.has_begun.set()


async def fill(store, user, count, day):
    messages = tuple(
        NewMessage(role="user", text=f"Errand {n}.", occurred_at=START + timedelta(days=day, minutes=n))
        for n in range(count)
    )
    await store.messages.capture(
        Capture(ProjectId("p"), user, SessionName("s"), AtHead(), messages, START + timedelta(days=day))
    )
    return (await store.vaults.open_vault(ProjectId("p"), user, may_create=False)).id


async def test_large_vaults_are_loaded_those_in_use_last_first():
    store, noted = in_memory_store(), Noted()
    old, _, new, newest = [
        await fill(store, user, count, day)
        for user, count, day in (("old", 30, 1), ("small", 2, 9), ("new", 20, 2), ("newest", 20, 3))
    ]
    await Warming(store.vaults, noted, least_messages=20).run()
    assert noted.loaded == [newest, new, old]
    noted.loaded.clear()
    await Warming(store.vaults, noted, least_messages=20, most_vaults=2).run()
    assert noted.loaded == [newest, new]


async def test_its_end_is_waited_for_and_it_begins_once():
    store, noted = in_memory_store(), Noted()
    vault = await fill(store, "anna", 20, 1)
    warming = Warming(store.vaults, noted, least_messages=20)
    warming.start()
    warming.start()
    await noted.has_begun.wait()
    await warming.stop()
    assert noted.loaded == [vault]


async def test_nothing_more_is_loaded_once_it_is_told_to_stop():
    store, noted = in_memory_store(), Noted()
    await fill(store, "anna", 20, 1)
    warming = Warming(store.vaults, noted, least_messages=20)
    warming.start()
    await warming.stop()
    assert noted.loaded == []


async def test_the_index_is_in_memory_and_a_store_that_fails_is_nobody_s_problem():
    store = in_memory_store()
    await fill(store, "anna", 20, 1)
    engine = RecallEngine(store.index, store.messages, store.sessions, None)
    warming = Warming(store.vaults, engine, least_messages=20)
    await warming.run()
    assert engine.cached_bytes > 0
    await store.control.close()
    await warming.run()
