"""A vault can be measured with nothing but itself."""

from __future__ import annotations

from datetime import timedelta

from recollect.domain.recall import RecallResult
from recollect.recall.self_evaluation import evaluate_vault, make_probes
from tests.unit.recall.rooms import FILLER, MONDAY, Room


async def test_a_vault_finds_its_own_messages_and_is_silent_on_others(room: Room):
    await room.say(*FILLER)
    await room.index()
    report = await evaluate_vault(room.engine, room.store.messages, room.vault, MONDAY + timedelta(days=1), probes=20)
    assert report.probes == 20
    assert report.found_at[10] >= 0.9
    assert report.found_at[1] <= report.found_at[5] <= report.found_at[10]
    assert report.false_injections <= 0.05
    assert report.p50_ms <= report.p95_ms


async def test_an_engine_that_finds_nothing_is_seen():
    class Blind:
        async def recall(self, vault, request):
            return RecallResult(status="empty")

    room = Room()
    await room.say(*FILLER)
    report = await evaluate_vault(Blind(), room.store.messages, room.vault, MONDAY, probes=5)
    assert report.found_at == {1: 0.0, 5: 0.0, 10: 0.0}
    assert report.false_injections == 0.0


async def test_an_empty_vault_gives_no_probes(room: Room):
    await room.say("hi")
    report = await evaluate_vault(room.engine, room.store.messages, room.vault, MONDAY)
    assert report.probes == 0


async def test_probes_are_the_same_for_the_same_seed():
    room = Room()
    await room.say(*FILLER)
    messages = await room.store.messages.list_messages(room.vault, limit=1000)
    assert make_probes(messages, 5, 1) == make_probes(messages, 5, 1)
    assert make_probes(messages, 5, 1) != make_probes(messages, 5, 2)
    for probe in make_probes(messages, 5, 1):
        text = next(message.text for message in messages if message.number == probe.number).lower()
        assert all(word in text for word in probe.text.split())
