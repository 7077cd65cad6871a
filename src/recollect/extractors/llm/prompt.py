"""What the model is shown: rules, and messages under small numbers, a bounded piece of them at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from recollect.domain.chat import Turn, estimate_tokens
from recollect.domain.memories import Attribute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recollect.domain.messages import StoredMessage

PROMPT_VERSION = "1"
"""Raised whenever the texts in ``prompts`` change what is found, so that sessions are read anew."""
MOST_PROMPT_TOKENS = 1200
MOST_PIECE_TOKENS = 3000
_HEAD_TOKENS = 24
"""Number, role, name and day in front of a message, at most."""
_LONGEST_NAME = 40


class Form(StrEnum):
    """How an answer is asked for, the strictest first."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"
    LINES = "lines"

    @property
    def looser(self) -> Form | None:
        """What to ask for where the endpoint does not take this."""
        return {Form.SCHEMA: Form.OBJECT, Form.OBJECT: Form.LINES}.get(self)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of the extractor beyond the rules; the settings bound how long it is."""

    instructions: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Messages that are shown in one call, by their small numbers, and how they are shown."""

    shown: Mapping[int, StoredMessage]
    text: str


def system_prompt(form: Form, wishes: Wishes) -> str:
    """The rules: with the schema that goes beside them, at most ``MOST_PROMPT_TOKENS`` tokens by the estimate."""
    own: list[str] = []
    if wishes.categories:
        own.append(f"12. `category` is one of: {', '.join(wishes.categories)}; empty if none fits.")
    else:
        own.append("12. Leave `category` empty.")
    if wishes.instructions:
        own.append(f"Also: {wishes.instructions}")
    is_schema = form is Form.SCHEMA
    named = "those of the schema" if is_schema else ", ".join(one.value for one in Attribute)
    shape = "" if is_schema else _text("lines" if form is Form.LINES else "json")
    text = _text("system").replace("{attributes}", named).replace("{form}", shape)
    return text.replace("{own}", "\n".join(own)).rstrip()


def turns_for(piece: Piece, form: Form, wishes: Wishes) -> tuple[Turn, ...]:
    """The rules and a piece of the conversation."""
    return (Turn("system", system_prompt(form, wishes)), Turn("user", piece.text))


def repair_turns(answer: str, problem: str) -> tuple[Turn, ...]:
    """What was answered, and what is wrong with it."""
    return (
        Turn("assistant", answer[: MOST_PIECE_TOKENS * 2]),
        Turn("user", _text("repair").replace("{problem}", problem)),
    )


def pieces_of(messages: Sequence[StoredMessage], most_tokens: int = MOST_PIECE_TOKENS) -> Iterator[Piece]:
    """The messages in pieces of at most so many tokens by the estimate; a longer message is shown part by part."""
    shown: dict[int, StoredMessage] = {}
    lines: list[str] = []
    used = 0
    for message in messages:
        for part in _parts(message.text, most_tokens - _HEAD_TOKENS):
            cost = estimate_tokens(part) + _HEAD_TOKENS
            if lines and used + cost > most_tokens:
                yield Piece(shown, "\n".join(lines))
                shown, lines, used = {}, [], 0
            shown[len(shown) + 1] = message
            lines.append(f"[{len(shown)}] {_head(message)}: {part}")
            used += cost
    if lines:
        yield Piece(shown, "\n".join(lines))


def _parts(text: str, most_tokens: int) -> Iterator[str]:
    while text:
        end = len(text)
        while estimate_tokens(text[:end]) > most_tokens:
            end = max(1, min(end - 1, int(end * most_tokens / estimate_tokens(text[:end]))))
        if end < len(text):
            end = max(text.rfind(" ", end // 2, end), text.rfind("\n", end // 2, end)) + 1 or end
        yield text[:end]
        text = text[end:]


def _head(message: StoredMessage) -> str:
    name = " ".join((message.name or "").split())[:_LONGEST_NAME]
    return f"{message.role}{f' {name}' if name else ''}, {message.occurred_at:%Y-%m-%d}"


@cache
def _text(name: str) -> str:
    return files("recollect.extractors.llm").joinpath("prompts", f"{name}.txt").read_text("utf-8").rstrip("\n")
