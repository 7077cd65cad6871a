"""Vault indexes are loaded once, kept up to date, and dropped when there are too many."""

from __future__ import annotations

import asyncio
import threading
import time

from recollect.domain.ids import VaultId
from recollect.recall import index_cache
from recollect.recall.index_cache import IndexCache
from recollect.recall.vault_index import VaultIndex
from recollect.stores.base import VaultDelta
from recollect.testing.hashing_embedder import HashingEmbedder
from tests.unit.recall.rooms import FILLER, Room, texts


def itself(index: VaultIndex) -> VaultIndex:
    return index


class Watched:
    """An index store that counts, and can be slow."""

    def __init__(self, inner, delay_s: float = 0.0) -> None:
        self.inner = inner
        self.delay_s = delay_s
        self.calls: list[tuple[int, int]] = []
        self.running = 0
        self.most_running = 0

    async def changes(self, vault, *, epoch, after):
        self.calls.append((epoch, after))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(self.delay_s)
        self.running -= 1
        return await self.inner.changes(vault, epoch=epoch, after=after)


async def test_only_what_changed_is_asked_for():
    room = Room()
    await room.say("one")
    store = Watched(room.store.index)
    cache = IndexCache(store, model="", max_bytes=1 << 30)
    index = await cache.work(room.vault, itself)
    sequence = index.sequence
    await room.say("two")
    again = await cache.work(room.vault, itself)
    assert again is index
    assert len(again.layout) == 2
    assert store.calls[1] == (index.epoch, sequence)


async def test_one_loader_at_a_time():
    room = Room()
    await room.say("one")
    store = Watched(room.store.index, delay_s=0.01)
    cache = IndexCache(store, model="", max_bytes=1 << 30)

    def size(index: VaultIndex) -> int:
        return len(index.layout)

    assert await asyncio.gather(*(cache.work(room.vault, size) for _ in range(5))) == [1] * 5
    assert store.most_running == 1


async def test_whoever_leaves_does_not_hand_on_an_index_that_a_thread_still_works_on(monkeypatch):
    monkeypatch.setattr(index_cache, "_LARGE_VAULT", 0)
    room = Room()
    await room.say("one")
    cache = IndexCache(room.store.index, model="", max_bytes=1 << 30)
    sizes: list[tuple[int, int]] = []
    has_begun = threading.Event()

    def slow(index: VaultIndex) -> None:
        has_begun.set()
        before = len(index.layout)
        time.sleep(0.2)
        sizes.append((before, len(index.layout)))

    left = asyncio.create_task(cache.work(room.vault, slow))
    await asyncio.to_thread(has_begun.wait)
    left.cancel()
    await asyncio.wait([left], timeout=0.1)
    assert left.cancelled(), "nobody waits for the thread"
    await room.say("two")
    index = await cache.work(room.vault, itself)
    assert len(index.layout) == 2
    assert sizes == [(1, 1)], "nothing changed under the thread"


async def test_the_least_recently_used_vault_goes():
    class ManyVaults:
        async def changes(self, vault, *, epoch, after):
            return (
                VaultDelta(0, after, [], [])
                if epoch == 0
                else await room.store.index.changes(room.vault, epoch=epoch, after=after)
            )

    room = Room()
    await room.say(*FILLER)
    cache = IndexCache(ManyVaults(), model="", max_bytes=0)
    for number in range(3):
        await cache.work(VaultId(number), itself)
    assert len(cache) == 1


async def test_an_incremental_index_ranks_like_a_fresh_one():
    step = Room(HashingEmbedder(64))
    for number, line in enumerate(FILLER[:60]):
        await step.say(line, session=f"s{number % 3}")
        if number % 7 == 0:
            await step.index()
            await step.recall("printer in the kitchen")
    await step.index()
    before = await step.recall("the noisy printer in the kitchen", limit=20)
    step.engine.forget(step.vault)
    after = await step.recall("the noisy printer in the kitchen", limit=20)
    assert texts(before.ranking) == texts(after.ranking)


async def test_replaced_passages_do_not_pile_up():
    room = Room(HashingEmbedder(32))
    await room.say(*FILLER)
    for _ in range(6):
        await room.index()
        await room.recall("printer")
    delta = await room.store.index.changes(room.vault, epoch=-1, after=0)
    fresh = VaultIndex("hashing")
    fresh.apply(delta)
    assert len(fresh.layout) == len(FILLER)
    assert len(fresh.passages.is_current) < 4 * len(FILLER)
