"""Injections and traces."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.domain.capture import Injection
from recollect.domain.ids import Lineage, MessageNumber, ProjectId, TraceId, VaultId
from recollect.domain.traces import Trace
from recollect.testing.store_suite.samples import PROJECT, START, Writer

if TYPE_CHECKING:
    from recollect.stores.base import Store

_LINEAGE = Lineage(b"l" * 16)


def _injection(block: str = "<memory>hi</memory>", *sources: int, lineage: Lineage = _LINEAGE) -> Injection:
    return Injection(lineage, block, tuple(map(MessageNumber, sources)), START)


class RecordTests:
    """What was put into requests, and why."""

    async def test_an_injection_comes_back_byte_for_byte(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        vault = await writer.vault()
        injection = _injection("<memory>\r\n\thi  🥾</memory>\n", 1, 2)
        await store.injections.put_injection(vault, injection)
        unknown = Lineage(b"u" * 16)
        assert await store.injections.injections(vault, [unknown, _LINEAGE]) == [injection]
        assert await store.injections.injections(vault, []) == []
        assert await store.injections.injections(VaultId(vault + 1), [_LINEAGE]) == []

    async def test_an_injection_may_be_stored_with_its_capture(self, store: Store) -> None:
        writer = Writer(store)
        await writer.write(injection=_injection())
        assert await store.injections.injections(await writer.vault(), [_LINEAGE]) == [_injection()]

    async def test_a_later_injection_replaces_the_one_at_its_place(self, store: Store) -> None:
        vault = await Writer(store).vault()
        await store.injections.put_injection(vault, _injection("old"))
        await store.injections.put_injection(vault, _injection("new"))
        assert await store.injections.injections(vault, [_LINEAGE]) == [_injection("new")]

    async def test_many_places_are_looked_up_at_once(self, store: Store) -> None:
        vault = await Writer(store).vault()
        places = [Lineage(number.to_bytes(16, "big")) for number in range(1200)]
        for place in (places[0], places[-1]):
            await store.injections.put_injection(vault, _injection(lineage=place))
        found = await store.injections.injections(vault, places)
        assert {injection.lineage for injection in found} == {places[0], places[-1]}

    async def test_an_injection_that_quotes_a_message_that_is_gone_is_not_kept(self, store: Store) -> None:
        vault = await Writer(store).vault()
        await store.injections.put_injection(vault, _injection("quote", 7))
        assert await store.injections.injections(vault, [_LINEAGE]) == []

    async def test_a_trace_is_found_by_its_project_at_once(self, store: Store) -> None:
        writer = Writer(store)
        await writer.exchange("hi", "hello")
        trace = Trace(TraceId("trc_1"), PROJECT, await writer.vault(), START, '{"query": "🥾"}', (MessageNumber(1),))
        free = Trace(TraceId("trc_2"), PROJECT, None, START, "{}")
        await store.traces.put_trace(trace)
        await store.traces.put_trace(free)
        assert await store.traces.find_trace(PROJECT, trace.id) == trace
        assert await store.traces.find_trace(PROJECT, free.id) == free
        assert await store.traces.find_trace(ProjectId("other"), trace.id) is None
        assert await store.traces.find_trace(PROJECT, TraceId("trc_3")) is None

    async def test_old_traces_are_pruned(self, store: Store) -> None:
        for number in range(3):
            at = START + timedelta(days=number)
            await store.traces.put_trace(Trace(TraceId(f"trc_{number}"), PROJECT, None, at, "{}"))
        assert await store.traces.prune_traces(START + timedelta(days=2)) == 2
        assert await store.traces.find_trace(PROJECT, TraceId("trc_1")) is None
        assert await store.traces.find_trace(PROJECT, TraceId("trc_2")) is not None

    async def test_a_trace_that_quotes_a_message_that_is_gone_is_not_kept(self, store: Store) -> None:
        vault = await Writer(store).vault()
        await store.traces.put_trace(Trace(TraceId("trc_1"), PROJECT, vault, START, "{}", (MessageNumber(9),)))
        assert await store.traces.find_trace(PROJECT, TraceId("trc_1")) is None
