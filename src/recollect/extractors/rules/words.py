"""Lists of words, as data."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def word_set(name: str) -> frozenset[str]:
    """A list of ``words.toml``: of words, or under ``phrases`` of lines."""
    data = tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
    phrases = data["phrases"]
    return frozenset(phrases[name].strip().splitlines() if name in phrases else data[name].split())
