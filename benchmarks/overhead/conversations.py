"""Synthetic vaults, and questions about them: made from a seed, so that every run has the same.

The words are those of Python's own manual, which every Python brings along: English with its usual mix of common and
rare words, so that an index has posting lists of natural lengths.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pydoc_data import topics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20260101
SESSION_MESSAGES = 20
SHORTEST, LONGEST = 12, 32
ASKED_WORDS = 7
_word = re.compile(r"[A-Za-z][a-z]+(?:'[a-z]+)?")


@cache
def words() -> list[str]:
    """The manual's words, in their order."""
    return _word.findall(" ".join(text for _, text in sorted(topics.topics.items())))


def message(number: int) -> str:
    """What is said in the message with that number: a run of words from somewhere in the manual."""
    source = random.Random(f"{SEED} message {number}")
    length = source.randint(SHORTEST, LONGEST)
    start = source.randrange(len(words()) - length)
    return " ".join(words()[start : start + length]).capitalize() + "."


def question(number: int, messages: int) -> str:
    """A question about one of so many messages; each number has its own."""
    source = random.Random(f"{SEED} question {number}")
    said = message(source.randrange(max(messages, 1))).rstrip(".").split()
    start = source.randrange(max(len(said) - ASKED_WORDS, 1))
    return f"What did we say about {' '.join(said[start : start + ASKED_WORDS]).lower()}? ({number})"


def conversations(user: str, messages: int) -> Iterator[str]:
    """Lines for ``recollect import``: sessions of twenty messages, two a day."""
    for session in range(-(-messages // SESSION_MESSAGES)):
        first = session * SESSION_MESSAGES
        day = f"2025-{session // 2 % 336 // 28 + 1:02}-{session // 2 % 28 + 1:02}"
        said = [
            {
                "role": "user" if turn % 2 == 0 else "assistant",
                "content": message(first + turn),
                "occurred_at": f"{day}T{8 + session % 2 * 8:02}:{turn:02}:00Z",
            }
            for turn in range(min(SESSION_MESSAGES, messages - first))
        ]
        yield json.dumps({"user": user, "session_id": f"s{session}", "messages": said})


def chat_body(model: str, number: int, messages: int, *, is_streamed: bool = False) -> bytes:
    """A chat request of some 700 bytes in four messages, whose last one no other request has."""
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant for a small company. " * 6},
            {"role": "user", "content": f"Hello, I am planning the week. ({number})"},
            {"role": "assistant", "content": "Gladly. What would you like to know first?"},
            {"role": "user", "content": question(number, messages)},
        ],
        "temperature": 0.7,
    }
    if is_streamed:
        body["stream"] = True
    return json.dumps(body, separators=(",", ":")).encode()
