"""Long messages are cut where a reader would pause."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.recall.passages import split_message

ANSWER = "\n\n".join(
    f"## Step {number}\n" + "Here is a sentence with exactly eight words. " * 6 for number in range(1, 6)
)


def pieces(text: str) -> list[str]:
    return [text[passage.start : passage.end] for passage in split_message(text)]


def test_a_short_message_stays_whole():
    assert pieces("I love hiking.") == ["I love hiking."]
    assert pieces("") == [""]


def test_a_long_answer_is_cut_at_its_headings():
    assert [piece.splitlines()[0] for piece in pieces(ANSWER)] == [f"## Step {number}" for number in range(1, 6)]


def test_a_piece_knows_the_heading_it_stands_under():
    text = "# Packing list\n" + "Take a warm jacket and two pairs of socks. " * 30
    second = split_message(text)[1]
    assert text[second.heading_start : second.heading_end].strip() == "# Packing list"


def test_sentences_are_not_cut():
    text = "This sentence has a few words in it. " * 60
    assert all(piece.endswith(".") for piece in pieces(text))


@pytest.mark.parametrize("text", ["word " * 1000, "我喜欢爬山。" * 200, "我" * 1000, "x" * 20_000])
def test_no_piece_is_much_longer_than_a_passage(text: str):
    for piece in pieces(text):
        assert len(piece.split()) <= 120
        assert len(piece) <= 4000 or " " not in text


def test_a_small_rest_joins_the_last_passage():
    text = "This sentence has exactly six words. " * 16 + "The end is near. " * 2 + "Bye now. " * 9
    assert len(pieces(text)[-1].split()) >= 20


@given(st.text(alphabet=st.sampled_from("ab .!?\n#*-我\u3002"), max_size=3000))
def test_every_character_but_space_is_in_exactly_one_passage(text: str):
    passages = split_message(text)
    assert "".join("".join(text[p.start : p.end].split()) for p in passages) == "".join(text.split())
    assert all(earlier.end <= later.start for earlier, later in pairwise(passages))
