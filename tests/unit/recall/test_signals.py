"""What speaks for a passage, seen through rankings that differ in one thing only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recollect.recall.derivation import COUNTS, INSTRUCTS, Derived, addressed_names, derive
from recollect.recall.terms import term_hash
from recollect.testing.hashing_embedder import HashingEmbedder
from tests.unit.recall.rooms import FILLER, MONDAY, Room, texts


async def first(room: Room, query: str) -> str:
    await room.index()
    return texts((await room.recall(query)).ranking)[0]


async def test_the_answer_behind_a_question_is_found_by_the_words_of_the_question(room: Room):
    await room.say(*FILLER[:30])
    await room.say("Where did you buy the telescope?", "At the flea market by the river.", session="s2")
    await room.index()
    found = texts((await room.recall("Where was the telescope bought?")).ranking)[:3]
    assert "At the flea market by the river." in found


async def test_a_named_speaker_is_preferred(room: Room):
    await room.say("The lasagne was delicious.", name="Berta", session="b")
    await room.say("The lasagne was delicious.", name="Carla", session="c", at=MONDAY + timedelta(hours=1))
    await room.index()
    ranking = (await room.recall("What did Berta say of the lasagne?")).ranking
    assert ranking[0].message.name == "Berta"


async def test_who_is_called_kate_is_kate(room: Room):
    for day in range(6):
        moment = MONDAY + timedelta(days=day)
        await room.say(f"Hey Kate, how was day {day}?", name="Elise", session=f"d{day}", at=moment)
        await room.say(f"I went swimming on day {day}.", name="Emi", session=f"d{day}", at=moment)
    await room.say("I went to the opera.", name="Elise", session="last", at=MONDAY + timedelta(days=9))
    await room.say("I went to the cinema.", name="Emi", session="last", at=MONDAY + timedelta(days=9, minutes=5))
    await room.index()
    hits = (await room.recall("Where did Kate go?", is_explained=True)).ranking
    assert {hit.message.name for hit in hits if hit.signals["speaker"] == 1} == {"Emi"}


async def test_the_days_of_a_question_are_preferred(room: Room):
    for month in range(1, 7):
        await room.say("We went climbing together.", session=f"m{month}", at=datetime(2023, month, 14, tzinfo=UTC))
    await room.index()
    assert (await room.recall("When did we climb in April 2023?")).ranking[0].message.occurred_at.month == 4


async def test_a_relative_date_in_a_message_is_a_date(room: Room):
    await room.say("Yesterday I met Paul at the harbour.", session="a", at=datetime(2023, 4, 15, tzinfo=UTC))
    await room.say("Often I met Paul at the harbour.", session="b", at=datetime(2023, 6, 15, tzinfo=UTC))
    assert (await first(room, "Whom did I meet at the harbour on 14 April 2023?")).startswith("Yesterday")


async def test_a_user_counts_more_than_an_assistant(room: Room):
    await room.say("The marathon starts on Sunday.", role="assistant")
    await room.say("The marathon starts on Sunday indeed.")
    assert (await first(room, "When does the marathon start?")).endswith("indeed.")


async def test_a_standing_instruction_is_found_by_its_subject(room: Room):
    await room.say(*FILLER[:40], "Always convert recipe amounts to grams.", "That recipe for soup was nice.")
    await room.index()
    found = texts((await room.recall("Give me a recipe for bread with amounts")).ranking)
    assert found[0] == "Always convert recipe amounts to grams."


async def test_passages_without_vectors_yet_are_not_held_back():
    room = Room(HashingEmbedder(128))
    await room.say(*FILLER)
    await room.index()
    await room.recall("anything")
    await room.say("The telescope stands on the roof.")
    assert (
        texts((await room.recall("Where does the telescope stand?")).ranking)[0] == "The telescope stands on the roof."
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hey Kate, how are you?", ("kate",)),
        ("Thanks Kate!", ("kate",)),
        ("What do you think Kate?", ("kate",)),
        ("I met Kate in town.", ()),
        ("Wow, Great!", ()),
    ],
)
def test_whom_a_message_calls_out_to(text: str, names: tuple[str, ...]):
    assert addressed_names(text) == tuple(map(term_hash, names))


@pytest.mark.parametrize(
    ("text", "flag", "expected"),
    [
        ("Always answer in French.", INSTRUCTS, True),
        ("Please never use emojis.", INSTRUCTS, True),
        ("Bitte immer auf Deutsch antworten.", INSTRUCTS, True),
        ("Siempre responde en español.", INSTRUCTS, True),
        ("I have always loved Paris.", INSTRUCTS, False),
        ("She has two cats.", COUNTS, True),
        ("Ich habe drei Hunde.", COUNTS, True),
        ("我有两只猫", COUNTS, True),
        ("She has cats.", COUNTS, False),
    ],
)
def test_flags_of_a_passage(text: str, flag: int, expected: bool):
    assert bool(derive(text, "english", MONDAY.date()).flags & flag) is expected


def test_what_was_derived_survives_its_bytes():
    derived = derive("Hey Kate, yesterday I saw 3 films. Did you?", "english", MONDAY.date())
    assert Derived.from_bytes(derived.to_bytes()) == derived
    assert derived.days
    assert derived.addressed
    assert Derived.from_bytes(b"") == Derived("")
    assert Derived.from_bytes(b"\xff\x01\x00\x00") == Derived("")
