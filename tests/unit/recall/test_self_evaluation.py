"""A vault can be measured with nothing but itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import fmean

import pytest

from recollect.domain.recall import RecallResult
from recollect.errors import SettingsError
from recollect.recall.calibration import Calibration
from recollect.recall.gate_weights import UNRELATED_MEANS, UNRELATED_SPREADS
from recollect.recall.self_evaluation import calibrate, evaluate_vault, make_probes
from recollect.testing.hashing_embedder import HashingEmbedder
from tests.unit.recall.rooms import FILLER, MONDAY, Room


async def test_a_vault_finds_its_own_messages_and_is_silent_on_others(room: Room):
    await room.say(*FILLER)
    await room.index()
    report = await evaluate_vault(room.engine, room.store.messages, room.vault, MONDAY + timedelta(days=1), probes=20)
    assert len(report.own) == 20
    assert report.found_at(10) >= 0.9
    assert report.found_at(1) <= report.found_at(5) <= report.found_at(10)
    assert report.false_injections <= 0.05
    assert report.took_ms(0.5) <= report.took_ms(0.95)
    assert all(one.relevance is not None and one.rank is None for one in report.unrelated)


async def test_an_engine_that_finds_nothing_is_seen():
    class Blind:
        async def recall(self, vault, request):
            return RecallResult(status="empty")

    room = Room()
    await room.say(*FILLER)
    report = await evaluate_vault(Blind(), room.store.messages, room.vault, MONDAY, probes=5)
    assert [report.found_at(rank) for rank in (1, 5, 10)] == [0.0, 0.0, 0.0]
    assert report.false_injections == 0.0


async def test_an_empty_vault_gives_no_probes(room: Room):
    await room.say("hi")
    report = await evaluate_vault(room.engine, room.store.messages, room.vault, MONDAY)
    assert report.own == ()
    assert report.found_at(10) == 0.0


async def test_probes_are_the_same_for_the_same_seed():
    room = Room()
    await room.say(*FILLER)
    messages = await room.store.messages.list_messages(room.vault, limit=1000)
    assert make_probes(messages, 5, 1) == make_probes(messages, 5, 1)
    assert make_probes(messages, 5, 1) != make_probes(messages, 5, 2)
    for probe in make_probes(messages, 5, 1):
        text = next(message.text for message in messages if message.number == probe.number).lower()
        asked = probe.text.split()
        assert all(word in text for word in (asked[1:] if probe.kind == "name" else asked[:-1]))


async def test_probes_ask_by_words_by_name_and_by_day():
    room = Room()
    await room.say(*FILLER)
    messages = await room.store.messages.list_messages(room.vault, limit=1000)
    named = [replace(message, name="Anna") for message in messages]
    probes = {probe.kind: probe.text for probe in make_probes(named, 9, 1)}
    assert set(probes) == {"words", "name", "date"}
    assert probes["name"].startswith("Anna: ")
    assert probes["date"].split()[-1].startswith("20")


async def test_a_model_s_scale_comes_from_what_unrelated_questions_get():
    room = Room(HashingEmbedder(128))
    await room.say(*FILLER)
    await room.index()
    report = await evaluate_vault(room.engine, room.store.messages, room.vault, MONDAY, probes=3)
    calibration = calibrate("another-model", report)
    assert calibration is not None
    mean = fmean(one.cosines[0] for one in report.unrelated if one.cosines)
    applied = calibration.applied({"dense": mean, "lexical": 1.5})
    assert applied["dense"] == pytest.approx(UNRELATED_MEANS[0])
    assert applied["lexical"] == 1.5
    further = calibration.applied({"dense": mean + calibration.spreads[0]})
    assert further["dense"] == pytest.approx(UNRELATED_MEANS[0] + UNRELATED_SPREADS[0])


async def test_words_alone_give_no_scale():
    room = Room(embedder=None)
    await room.say(*FILLER)
    report = await evaluate_vault(room.engine, room.store.messages, room.vault, MONDAY, probes=3)
    assert calibrate("none", report) is None


def test_a_calibration_is_kept_and_a_broken_one_is_named(tmp_path: Path):
    path = tmp_path / "calibration.json"
    assert Calibration.read(path) is None
    made = Calibration("another-model", (0.3, 0.2), (0.05, 0.04))
    made.write(path)
    assert Calibration.read(path) == made
    path.write_text('{"model": "x"}')
    with pytest.raises(SettingsError, match="recollect eval self --calibrate"):
        Calibration.read(path)
