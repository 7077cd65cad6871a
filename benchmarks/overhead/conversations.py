"""Synthetic vaults, and questions about them: made from a seed, so that every run has the same."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20260101
SESSION_MESSAGES = 20
PEOPLE = ("Anna", "Bruno", "Chloe", "Dmitri", "Esra", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Kemal", "Lena")
PLACES = ("Porto", "Lyon", "Leeds", "Graz", "Turin", "Malmo", "Ghent", "Basel", "Cork", "Gdansk", "Lviv", "Split")
THINGS = ("bicycle", "piano", "allotment", "sourdough", "telescope", "kayak", "loom", "chess set", "camera", "sailboat")
DEEDS = ("bought", "repaired", "sold", "borrowed", "painted", "lost", "found", "cleaned", "packed", "photographed")
FEELINGS = ("and it went well", "which took all day", "for the second time", "because it rained", "as a present")


def sentence(source: random.Random) -> str:
    """Something that somebody could have said."""
    return (
        f"{source.choice(PEOPLE)} {source.choice(DEEDS)} a {source.choice(THINGS)} in {source.choice(PLACES)} "
        f"on day {source.randrange(1, 366)} {source.choice(FEELINGS)}"
    )


def conversations(user: str, messages: int) -> Iterator[str]:
    """Lines for ``recollect import``: sessions of twenty messages, two a day."""
    source = random.Random(f"{SEED} {messages}")
    for session in range(-(-messages // SESSION_MESSAGES)):
        count = min(SESSION_MESSAGES, messages - session * SESSION_MESSAGES)
        day = f"2025-{session // 2 % 336 // 28 + 1:02}-{session // 2 % 28 + 1:02}"
        said = [
            {
                "role": "user" if turn % 2 == 0 else "assistant",
                "content": f"{sentence(source)}, and {sentence(source)}.",
                "occurred_at": f"{day}T{8 + session % 2 * 8:02}:{turn:02}:00Z",
            }
            for turn in range(count)
        ]
        yield json.dumps({"user": user, "session_id": f"s{session}", "messages": said})


def question(number: int) -> str:
    """A question that the vault has something to say about; each number has its own."""
    source = random.Random(f"{SEED} question {number}")
    return (
        f"What did {source.choice(PEOPLE)} do with the {source.choice(THINGS)} in {source.choice(PLACES)}, "
        f"and was that before day {number % 365 + 1}? ({number})"
    )


def chat_body(model: str, number: int, *, is_streamed: bool = False) -> bytes:
    """A chat request of some 700 bytes in four messages, whose last one no other request has."""
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant for a small company. " * 6},
            {"role": "user", "content": f"Hello, I am planning the week. ({number})"},
            {"role": "assistant", "content": "Gladly. What would you like to know first?"},
            {"role": "user", "content": question(number)},
        ],
        "temperature": 0.7,
    }
    if is_streamed:
        body["stream"] = True
    return json.dumps(body, separators=(",", ":")).encode()
