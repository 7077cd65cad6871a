"""Cuts long messages into passages of some sixty words, where a reader would pause.

A hit on one passage injects that passage and not the whole answer around it; measured on conversations with
an assistant, ranking passages instead of messages gains five points of recall and saves four fifths of the tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.recall.terms import CJK

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET_WORDS = 60
"""Measured on conversations with an assistant: ninety rank as well, but three points less evidence fits 500 tokens."""
WHOLE_WORDS = 80
"""A message of up to this many words stays in one piece."""
LEAST_WORDS = 20
"""A shorter rest joins the passage before it."""
HEADING_WORDS = 30
"""A heading begins a new passage once the current one has this many words."""

_word = re.compile(rf"[{CJK}]|[^\s{CJK}]+")
_unit = re.compile(
    r"[^\n.!?\u3002\uff01\uff1f]*(?:[.!?\u3002\uff01\uff1f]+[\"')\]\u201d]*(?=\s|$)|[\u3002\uff01\uff1f]|\n+|[.!?]+|$)"
)
_heading = re.compile(r"\s*(?:#{1,6}\s|\*\*[^*\n]+\*\*:?\s*$|[-=]{3,}\s*$)")
_CJK_WORD = 0.6
"""Words to a CJK character, roughly."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Character offsets of a passage, and the offsets of the heading it stands under (an empty span: none)."""

    start: int
    end: int
    heading_start: int = 0
    heading_end: int = 0


def split_message(text: str) -> list[Passage]:
    """The passages of a message, in order, covering it but for white space between them. At least one."""
    if _weight(text) <= WHOLE_WORDS:
        return [Passage(0, len(text))]
    passages: list[Passage] = []
    heading = above = (0, 0)
    start, weight = 0, 0.0
    for unit_start, unit_end in _units(text):
        is_heading = _heading.match(text, unit_start, unit_end) is not None
        unit_weight = _weight(text[unit_start:unit_end])
        is_full = weight + unit_weight > TARGET_WORDS or (is_heading and weight >= HEADING_WORDS)
        if weight and is_full:
            passages.append(Passage(start, unit_start, *above))
            start, weight, above = unit_start, 0.0, heading
        if is_heading:
            heading = (unit_start, unit_end)
        weight += unit_weight
    if passages and weight < LEAST_WORDS:
        last = passages.pop()
        passages.append(Passage(last.start, len(text), last.heading_start, last.heading_end))
    else:
        passages.append(Passage(start, len(text), *above))
    return [one for one in (_trimmed(text, passage) for passage in passages) if one.start < one.end]


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Sentences and lines; one that is longer than a passage is cut between words."""
    for match in _unit.finditer(text):
        start, end = match.span()
        if start == end:
            continue
        if _weight(text[start:end]) <= TARGET_WORDS:
            yield start, end
            continue
        cut = start
        weight = 0.0
        for word in _word.finditer(text, start, end):
            weight += _CJK_WORD if len(word[0]) == 1 and word[0] > "\u2fff" else 1.0 + len(word[0]) // 40
            if weight > TARGET_WORDS:
                yield cut, word.start()
                cut, weight = word.start(), 0.0
        if cut < end:
            yield cut, end


def _weight(text: str) -> float:
    total = 0.0
    for word in _word.finditer(text):
        total += _CJK_WORD if len(word[0]) == 1 and word[0] > "\u2fff" else 1.0 + len(word[0]) // 40
    return total


def _trimmed(text: str, passage: Passage) -> Passage:
    piece = text[passage.start : passage.end]
    start = passage.start + len(piece) - len(piece.lstrip())
    return Passage(start, passage.start + len(piece.rstrip()), passage.heading_start, passage.heading_end)
