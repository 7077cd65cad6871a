"""Answers are read whatever stands around them, or it is said what is wrong with them."""

from __future__ import annotations

import pytest

from recollect.extractors.llm.reading import UnreadableError, read_notes

NOTES = '{"reasoning": "r", "facts": [{"subject": "user"}], "entities": [], "relations": [], "summary": {"short": "s"}}'


@pytest.mark.parametrize(
    "text",
    [
        NOTES,
        f"```json\n{NOTES}\n```",
        f"Here you are:\n```\n{NOTES}\n```\nAnything else?",
        f"Sure!\n{NOTES}",
        f"<think>{{maybe}}</think>\n{NOTES}",
    ],
)
def test_json_is_read(text):
    notes = read_notes(text)
    assert (list(notes.facts), notes.summary) == ([{"subject": "user"}], {"short": "s"})


def test_lines_are_read():
    notes = read_notes(
        "REASONING| she moved\n"
        "FACT| user| home| Lisbon| states| 2026-04|  | | 1| I moved | to Lisbon\n"
        "ENTITY| Lisbon| Lissabon; Lisboa| 1; 2\n"
        'RELATION| user| lives_in| Lisbon| states| | | [1]| "I moved"\n'
        "SHORT| A move.\nLONG| A move to Lisbon.\nQUOTE| 1| I moved\nEND"
    )
    assert notes.facts[0]["quote"] == "I moved | to Lisbon"
    assert notes.entities[0] == {"name": "Lisbon", "aliases": ["Lissabon", "Lisboa"], "messages": ["1", "2"]}
    assert notes.relations[0]["quote"] == "I moved"
    assert notes.summary == {
        "short": "A move.",
        "long": "A move to Lisbon.",
        "quotes": [{"message": "1", "quote": "I moved"}],
    }


@pytest.mark.parametrize(
    ("text", "is_cut", "said"),
    [
        (NOTES, True, "cut off"),
        (NOTES[:-20], False, "not complete"),
        ("The user lives in Lisbon.", False, "neither"),
        ("", False, "neither"),
        ("FACT| user| home| Lisbon", False, "neither"),
        ('{"answer": 42}', False, "lacks"),
        ("[1, 2]", False, "neither"),
        ('{"facts": "none"}', False, "`facts` is not a list"),
        ('{"facts": {"a": 1}}', False, "`facts` is not a list"),
        ('{"summary": [1]}', False, "`summary` is not an object"),
    ],
)
def test_what_cannot_be_read_says_why(text, is_cut, said):
    with pytest.raises(UnreadableError, match=said):
        read_notes(text, is_cut=is_cut)
