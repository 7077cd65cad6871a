"""Which language a text is in, as far as stemming needs to know."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from recollect.recall.stop_words import listed_languages, stop_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT: Final = "english"
LANGUAGES: Final = (
    "",
    "english",
    "german",
    "spanish",
    "french",
    "italian",
    "portuguese",
    "dutch",
    "swedish",
    "russian",
    "greek",
    "arabic",
    "hindi",
    "tamil",
    "armenian",
)
"""Languages by their code in stored passages; 0 means that it could not be told. Only ever appended to."""

_SCRIPTS = (
    ("russian", re.compile("[\u0400-\u04ff]")),
    ("greek", re.compile("[\u0370-\u03ff]")),
    ("arabic", re.compile("[\u0600-\u06ff]")),
    ("hindi", re.compile("[\u0900-\u097f]")),
    ("tamil", re.compile("[\u0b80-\u0bff]")),
    ("armenian", re.compile("[\u0530-\u058f]")),
)
_NOT_VOTED = frozenset({"russian", "cjk", "small_talk"})


def detect_language(words: Sequence[str]) -> str:
    """The language of some lower-case words, "" where it cannot be told.

    A script of its own decides; else each stop word votes for the languages that have it, and the winner
    needs more votes than the next.
    """
    sample = "".join(words[:40])
    for language, script in _SCRIPTS:
        if script.search(sample):
            return language
    voted = [language for language in listed_languages() if language not in _NOT_VOTED]
    votes = Counter(language for word in words for language in voted if word in stop_words(language))
    ranked = votes.most_common(2)
    if not ranked:
        return ""
    (winner, most), runner_up = ranked[0], ranked[1][1] if len(ranked) > 1 else 0
    return winner if most > runner_up else ""


def language_code(language: str) -> int:
    """The number that stands for a language in a stored passage."""
    return LANGUAGES.index(language)


def languages_of(codes: Iterable[int]) -> tuple[str, ...]:
    """The languages behind some codes, the default where a code says nothing."""
    return tuple(dict.fromkeys(LANGUAGES[code] or DEFAULT for code in codes))
