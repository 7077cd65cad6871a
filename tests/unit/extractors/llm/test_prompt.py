"""What is sent is bounded: the rules, their schema, and each piece of a conversation."""

from __future__ import annotations

import orjson
import pytest
from pydantic import ValidationError

from recollect.domain.chat import estimate_tokens
from recollect.extractors.llm.prompt import (
    MOST_PIECE_TOKENS,
    MOST_PROMPT_TOKENS,
    Form,
    Wishes,
    pieces_of,
    system_prompt,
)
from recollect.extractors.llm.schema import answer_format
from recollect.settings.schema import ExtractorSettings

LONGEST = ExtractorSettings(instructions="x" * 288, categories=("y" * 20,) * 11)
LONGEST_WIDE = ExtractorSettings(instructions="字" * 80, categories=("字" * 34, "宇" * 34))


@pytest.mark.parametrize("longest", [LONGEST, LONGEST_WIDE])
@pytest.mark.parametrize("form", Form)
def test_rules_and_schema_with_the_longest_wishes_are_within_the_bound(form, longest):
    schema = answer_format(form)
    wishes = Wishes(longest.instructions, longest.categories)
    sent = system_prompt(form, wishes) + (orjson.dumps(schema).decode() if schema else "")
    assert estimate_tokens(sent) <= MOST_PROMPT_TOKENS


@pytest.mark.parametrize("wish", [{"instructions": "x" * 289}, {"categories": ["y" * 253]}, {"categories": [""]}])
def test_the_settings_let_nobody_wish_for_more(wish):
    with pytest.raises(ValidationError, match="must be"):
        ExtractorSettings(**wish)


def test_wishes_are_in_the_prompt():
    prompt = system_prompt(Form.OBJECT, Wishes("Leave work out.", ("health", "travel")))
    assert "Leave work out." in prompt
    assert "health, travel" in prompt


@pytest.mark.parametrize("form", [Form.SCHEMA, Form.OBJECT])
def test_reasoning_comes_first(form):
    schema = answer_format(form)
    if form is Form.SCHEMA:
        assert next(iter(schema["json_schema"]["schema"]["properties"])) == "reasoning"
    else:
        assert system_prompt(form, Wishes()).rpartition("\n{")[2].startswith('"reasoning"')


def test_no_place_holder_is_left():
    assert all("{own}" not in system_prompt(form, Wishes()) for form in Form)
    assert all("{form}" not in system_prompt(form, Wishes()) for form in Form)
    assert all("{attributes}" not in system_prompt(form, Wishes()) for form in Form)


@pytest.mark.parametrize("text", ["word " * 30, "ok", "字" * 700, "x" * 20_000])
def test_every_piece_is_within_the_bound(said, text):
    pieces = list(pieces_of([said(text, number) for number in range(1, 60)]))
    assert all(estimate_tokens(piece.text) <= MOST_PIECE_TOKENS for piece in pieces)


def test_a_long_message_is_shown_whole_in_parts(said):
    text = " ".join(f"word{number}" for number in range(9000))
    pieces = list(pieces_of([said(text)]))
    shown = " ".join(piece.text.partition(": ")[2] for piece in pieces)
    assert len(pieces) > 1
    assert shown.split() == text.split()


def test_messages_have_small_numbers_roles_and_days(said):
    (piece,) = pieces_of([said("Hi", 4711, name="Ann"), said("Hello", 4712, role="assistant")])
    assert piece.text == "[1] user Ann, 2026-05-12: Hi\n[2] assistant, 2026-05-12: Hello"
    assert [piece.shown[number].number for number in (1, 2)] == [4711, 4712]
