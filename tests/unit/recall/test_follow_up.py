"""A question may lean on the turns before it."""

from __future__ import annotations

import pytest

from recollect.recall.follow_up import is_follow_up, with_context
from recollect.testing.hashing_embedder import HashingEmbedder
from tests.unit.recall.rooms import FILLER, Room, texts


@pytest.mark.parametrize(
    "query",
    ["and where was that?", "What about her?", "why?", "Und wann war das?", "¿Y dónde fue eso?", "那是什么时候？"],
)
def test_a_question_that_refers_back_is_a_follow_up(query: str):
    assert is_follow_up(query)


@pytest.mark.parametrize(
    "query",
    [
        "Which restaurant did Clara choose for the wedding party in Hamburg?",
        "Write a haiku about the sea and the mountains of Norway in winter",
        "",
    ],
)
def test_a_question_with_words_of_its_own_is_none(query: str):
    assert not is_follow_up(query)
    assert with_context(query, ("Earlier words.",)) == query


def test_only_the_last_turns_are_taken():
    assert with_context("why?", ("one", "two", "three")) == "two\nthree\nwhy?"


@pytest.mark.parametrize("embedder", [None, HashingEmbedder(128)])
async def test_what_was_asked_before_is_found(embedder: HashingEmbedder | None):
    room = Room(embedder)
    await room.say("Clara married in the old lighthouse.", *FILLER)
    await room.index()
    context = ("Tell me about the day on which Clara married.", "Gladly.")
    found = await room.recall("and where was that?", context=context, max_tokens=200)
    assert texts(found.selection)[:1] == ["Clara married in the old lighthouse."]
    assert (await room.recall("thanks!", context=context, max_tokens=200)).selection == ()
