"""Kinds of things, and what people say when they mean one: "which sports" is answered by whoever "went surfing".

A question for a kind shares no word with its answers, and they are many. So the kind's members (``kinds.toml``: words
of everyday life) lift what was said with one of them, the rarer the word the more.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.languages import DEFAULT, detect_language, languages_of
from recollect.recall.terms import term_hash, word_terms, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from recollect.recall.query import Query
    from recollect.recall.ranking import Ranking
    from recollect.recall.vault_index import VaultIndex

LIFT = 0.1
"""What a passage with a member that nobody else mentions gets: a fused score is 0..1."""
OTHERS = 0.3
"""Of it, what others get than whom the question is about."""
_several = re.compile(
    r"\b(?:(?:what|which)(?: (?:are|were))?|how many|(?:list|name)(?: me)?|any other|all|both"
    r"|welche(?: sind)?|was für|wie viele|alle|qué|cuáles (?:son|eran)|cuánt[oa]s|tod[oa]s)\b"
    r"(?P<asked>(?:[\s-]+(?!(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should"
    r"|ist|sind|war|waren|hat|habe|haben|hatte|mag|machen?|macht"
    r"|es|son|era|eran|ha|han|he|tiene|tengo|hace|hago)\b)[\w']+){1,4})",
    re.IGNORECASE,
)
_sort_of = re.compile(r"\b(?:kinds?|types?|sorts?|was für|arten?|tipos?|clases?)\b", re.IGNORECASE)
"""Behind one of these, a singular means the kind as well."""
_PLURALS = frozenset(
    {"children", "people", "music", "food", "family", "art", "furniture", "música", "comida", "familia"}
)
"""Several, though they do not end in s."""


@cache
def _kinds() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(files(__package__).joinpath("kinds.toml").read_text("utf-8"))


@cache
def _names(language: str) -> dict[str, frozenset[str]]:
    """By kind, the stems of what a question calls it."""
    return {
        kind: frozenset(term for word in by["names"].get(language, "").split() for term in word_terms(word, language))
        for kind, by in _kinds().items()
    }


@cache
def _members(kind: str, language: str) -> frozenset[int]:
    listed = _kinds()[kind]["members"].get(language, "")
    return frozenset(term_hash(term) for word in listed.split() for term in word_terms(word, language))


def asked_kinds(text: str) -> tuple[str, ...]:
    """The kinds of which a question asks for several things: "what instruments", "welche Hobbys", "qué deportes"."""
    found: dict[str, None] = {}
    language = detect_language(words(text)) or DEFAULT
    for asked in _several.finditer(text):
        means_kind = _sort_of.search(asked[0]) is not None
        for word in words(asked["asked"]):
            # German tells by its article, which was looked at already
            if means_kind or language == "german" or word.endswith("s") or word in _PLURALS:
                stems = set(word_terms(word, language))
                found |= dict.fromkeys(kind for kind, names in _names(language).items() if names & stems)
    return tuple(found)


def lifted(index: VaultIndex, query: Query, ranking: Ranking) -> Ranking:
    """The ranking with members of the kinds that are asked for further up; itself where none is."""
    languages = languages_of(index.languages)
    kinds = asked_kinds(query.text)
    if not kinds or not len(ranking.places):
        return ranking
    said = {term for variants, _ in query.groups for term in variants}
    wanted = set().union(*(_members(kind, language) for kind in kinds for language in languages)) - said
    scores = np.clip(ranking.scores + LIFT * _rarity(index, wanted)[ranking.places] * _shares(query, ranking), 0, 1)
    order = np.argsort(-scores, kind="stable")
    return replace(
        ranking,
        places=ranking.places[order],
        scores=scores[order],
        signals={name: values[order] for name, values in ranking.signals.items()},
    )


def _rarity(index: VaultIndex, wanted: Iterable[int]) -> NDArray[np.float32]:
    """By place, how rare in this vault the rarest member is that stands there: 0 (none) to 1 (nowhere else)."""
    layout = index.layout
    total = len(layout)
    which, passages = index.postings.pairs(np.array(sorted(wanted), np.uint32))
    places = layout.place_of[passages]
    pairs = np.unique(which[places >= 0] * total + places[places >= 0])
    which, places = pairs // total, pairs % total
    holders = np.bincount(which)
    rarest = np.zeros(total, np.float32)
    np.maximum.at(rarest, places, (np.log1p(total / holders[which]) / np.log1p(total)).astype(np.float32))
    return np.minimum(rarest, 1)


def _shares(query: Query, ranking: Ranking) -> NDArray[np.float32]:
    """All of it for who is named, or, where the user speaks of themselves, for the user."""
    speaker, user = ranking.signals["speaker"], ranking.signals["user_role"]
    if speaker.any():
        return np.where(speaker > 0, np.float32(1), np.float32(OTHERS))
    if query.is_personal:
        return np.where(user > 0, np.float32(1), np.float32(OTHERS))
    return np.ones(len(ranking.places), np.float32)
