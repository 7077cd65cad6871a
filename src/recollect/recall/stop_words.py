"""Words too common to tell one message from another. They also tell which language a text is in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, none for one that has no list. ``cjk`` are those of Chinese and Japanese."""
    return _lists().get(language, frozenset())


@cache
def listed_languages() -> tuple[str, ...]:
    """The languages that have a list."""
    return tuple(_lists())


@cache
def _lists() -> dict[str, frozenset[str]]:
    """The sections of ``stop_words.txt``: a language in brackets, then its words."""
    found: dict[str, set[str]] = {}
    section = ""
    for line in files(__package__).joinpath("stop_words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            found[section] = set()
        elif section:
            found[section].update(line.split())
    return {language: frozenset(words) for language, words in found.items()}
