"""Nothing assumes English. Words alone must find these; a multilingual model finds more."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.unit.recall.rooms import Room, texts

CONVERSATIONS = tomllib.loads(Path(__file__).with_name("other_languages.toml").read_text("utf-8"))


@pytest.mark.parametrize("language", list(CONVERSATIONS))
async def test_a_question_finds_its_message(language: str):
    said = CONVERSATIONS[language]["said"]
    room = Room()
    await room.say(*said, *(line for other, one in CONVERSATIONS.items() if other != language for line in one["said"]))
    await room.index()
    for question, place in CONVERSATIONS[language]["questions"].items():
        assert texts((await room.recall(question)).ranking)[0] == said[place], question


async def test_a_vault_of_two_languages_is_searched_in_both():
    room = Room()
    await room.say("Wir haben gestern viele Pilze gesammelt.", "I collected many mushrooms in the forest.")
    await room.index()
    assert texts((await room.recall("Welchen Pilz haben wir gesammelt?")).ranking)[0].startswith("Wir")
    assert texts((await room.recall("Which mushroom did I collect?")).ranking)[0].startswith("I")
