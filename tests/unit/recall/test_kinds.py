"""A question for a kind of things finds what belongs to it, though no word is the same."""

from __future__ import annotations

import pytest

from recollect.recall.kinds import asked_kinds
from tests.unit.recall.rooms import FILLER, Room, texts


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("What instruments do I play?", ["music"]),
        ("What are my hobbies?", ["activity"]),
        ("Which of Bob's family members have I met?", ["family"]),
        ("What kind of food do I like?", ["food"]),
        ("How many children do I have?", ["family"]),
        ("What was the book that I bought?", []),
        ("Which movie did we watch on Monday?", []),
        ("Play some instruments", []),
        ("Welche Hobbys habe ich?", ["activity"]),
        ("Was für Tiere haben wir?", ["pet"]),
        ("¿Qué deportes practico?", ["sport"]),
        ("¿Cuáles son mis aficiones?", ["activity"]),
    ],
)
def test_it_is_several_of_a_kind_that_are_asked_for(text, kinds):
    assert list(asked_kinds(text)) == kinds


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("I went surfing at dawn.", "Which sports have I tried?"),
        ("Ich habe am Samstag Gitarre geübt und es war schön.", "Welche Instrumente spiele ich?"),
        ("Ayer compré un cachorro para mi hija.", "¿Qué mascotas tengo en casa?"),
    ],
)
async def test_members_are_found(told, asked):
    room = Room()
    await room.say(*FILLER[:40], told, *FILLER[40:80])
    await room.index()
    plain = texts((await room.recall(asked)).ranking)
    widened = texts((await room.recall(asked, widens=True)).ranking)
    assert widened.index(told) == 0
    assert told not in plain or plain.index(told) > 0


async def test_what_others_did_counts_less():
    room = Room()
    await room.say(*FILLER[:20])
    await room.say("Anna went surfing.", "I sailed.", role="user", name="Bob")
    await room.say("I went skiing.", role="user", name="Anna")
    await room.index()
    found = texts((await room.recall("Which sports did Anna do?", widens=True)).ranking)
    assert found.index("I went skiing.") < found.index("I sailed.")


async def test_scores_stay_within_their_scale():
    room = Room()
    await room.say("I went surfing, which of the sports do I like most?", *FILLER[:40])
    await room.index()
    result = await room.recall("Which sports do I like most?", widens=True)
    assert all(0 <= hit.score <= 1 for hit in result.ranking)
    assert [hit.score for hit in result.ranking] == sorted((hit.score for hit in result.ranking), reverse=True)
