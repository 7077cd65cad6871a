"""Rules: patterns that catch how people say things about themselves, as data, one file a language."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from recollect.domain.memories import Attribute, Change
from recollect.extractors.rules.times import Tense

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("english", "german", "spanish")


class Dating(StrEnum):
    """What a day in the sentence means."""

    NOTHING = "nothing"
    SINCE = "since"
    """Its beginning, where the words say so (``since 2019``)."""
    EVENT = "event"
    """The day of the change itself."""
    PLAN = "plan"
    """The day of the plan; without one there is no claim."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``pattern`` has the group ``value``, and may have ``old`` (what was before), ``denied`` (what is corrected) and
    those that ``form`` names.

    ``value`` is the kind of value, a key of :data:`recollect.extractors.rules.values.KINDS`. ``form`` makes the value
    of the groups. A group ``kin`` that is not in it makes the claim one about somebody of the speaker's.
    """

    attribute: Attribute
    pattern: re.Pattern[str]
    value: str
    form: str
    change: Change
    dating: Dating
    tense: Tense


@dataclass(frozen=True, slots=True)
class Language:
    """The rules of one language. ``correction`` is what opens a correction."""

    rules: tuple[Rule, ...]
    correction: re.Pattern[str]


_NAME_WORD = r"(?!I\b)[A-ZÀ-ÖØ-Þ][\w\-À-ÿ']*\.?"
_SHARED = {
    "PLACE": (
        rf"(?:the )?{_NAME_WORD}"
        rf"(?:(?: (?:of|de la|de las|de los|de|del|la|las|los|upon|am|an der) | |, ){_NAME_WORD}){{0,4}}"
    ),
    "NAME": r"(?!I\b)[A-ZÀ-ÖØ-Þ][\w\-À-ÿ]+(?: (?!I\b)[A-ZÀ-ÖØ-Þ][\w\-À-ÿ]+)?",
    "REST": r"(?P<value>[^\n]+)",
}
"""Fragments of every language: a proper name, also of several words; a person's name; the rest of the sentence."""
_reference = re.compile(r"\{([A-Z_]+)\}")
_look_behind = re.compile(r"(\(\?<[!=][^)]*\))")


@cache
def load_languages() -> tuple[Language, ...]:
    """Every language's rules, compiled once."""
    return tuple(_load(language) for language in LANGUAGES)


def _load(language: str) -> Language:
    data = tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    fragments = {**_SHARED, **data["fragments"]}
    return Language(
        rules=tuple(_rule(entry, fragments) for entry in data["rules"]),
        correction=_pattern(data["correction"], fragments),
    )


def _rule(entry: Mapping[str, Any], fragments: Mapping[str, str]) -> Rule:
    return Rule(
        attribute=Attribute(entry["attribute"]),
        pattern=_pattern(entry["pattern"], fragments),
        value=entry.get("value", "phrase"),
        form=entry.get("form", "{value}"),
        change=Change(entry.get("change", "states")),
        dating=Dating(entry.get("dating", "nothing")),
        tense=Tense(entry.get("tense", "past")),
    )


def _pattern(text: str, fragments: Mapping[str, str]) -> re.Pattern[str]:
    """Compile; ``{NAME}`` stands for a fragment, a space for one or several (but not in what looks behind)."""
    while _reference.search(text):
        text = _reference.sub(lambda found: fragments[found[1]], text)
    pieces = _look_behind.split(text)
    return re.compile("".join(piece if index % 2 else piece.replace(" ", " +") for index, piece in enumerate(pieces)))
