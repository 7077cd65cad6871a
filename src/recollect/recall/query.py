"""A question, taken apart once: term groups, names, dates, vectors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.recall.dates import DayWindow, YearlyDay, explicit_days, relative_days
from recollect.recall.languages import DEFAULT, detect_language, languages_of
from recollect.recall.stop_words import stop_words
from recollect.recall.terms import term_hash, word_terms, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from recollect.embedders.base import Embedding

MOST_GROUPS = 64
"""Distinct words of a query that are looked up; a pasted document is cut."""
_MOST_WORDS = 400
_when = re.compile(
    r"\b(?:when|how long|(?:what|which) (?:date|day|month|year|time)|wann|wie lange|seit wann|cuándo|cuánto tiempo"
    r"|quand|quando)\b"
    r"|什么时候|何时|哪天|几月|いつ",
    re.IGNORECASE,
)
_personal = re.compile(
    r"\b(?:i|i'm|i've|i'd|i'll|my|me|mine|myself|we|we're|we've|our|ours|us|ich|mir|mich|mein\w{0,2}|wir|uns|unser\w{0,2}"
    r"|yo|mi|mis|conmigo|nosotros|nuestr[oa]s?|je|j'ai|mon|ma|mes|moi|nous|notre|nos|я|мне|меня|мой|моя|мои|мы)\b|我|私|僕|俺",
    re.IGNORECASE,
)
_about_self = re.compile(
    r"\b(?:my|mine|our|ours|mein\w{0,2}|unser\w{0,2}|mi|mis|nuestr[oa]s?|mon|ma|mes|notre|nos|мо[йяиеё]|мою|меня)\b"
    r"|\b(?:am|was|were|do|did|have|had|will) (?:i|we)\b|\b(?:about|know|remember) (?:me|us|myself)\b"
    r"|\b(?:bin|war|habe?|hatte|mag|mochte|wohne|lebe|arbeite|esse|trinke|heiße) ich\b"
    r"|\büber mich\b|\bsobre mí\b|\bsur moi\b"
    r"|我(?:的|是|有|在|住|喜欢|想)|(?:私|僕|俺)(?:の|は)",
    re.IGNORECASE,
)
_asks_for_advice = re.compile(
    r"\bhow (?:do|can|should|would|could) (?:i|we)\b|\b(?:wie|cómo|como) (?:kann|soll|puedo)\b", re.IGNORECASE
)
_everything = re.compile(
    r"\b(?:know|remember|learn(?:ed|t)?|tell me) (?:anything |everything |something )?(?:about )?(?:me|us|myself)\b"
    r"|\bwho am i\b|\bwer bin ich\b|\bquién soy\b|\büber mich\b|\b(?:sobre|de) mí\b|\bsur moi\b"
    r"|обо мне|关于我|私について",  # noqa: RUF001 - Russian
    re.IGNORECASE,
)
_how_many = re.compile(
    r"\bhow (?:many|much|old|long|often|far|big|tall)\b|\bwie ?(?:viele?|alt|lange|oft|groß|weit)\b"
    r"|\bcuánt[oa]s?\b|\bcombien\b"
    r"|多少|几个|几次|多大|多久|いくつ|何人|何回|何歳|いくら",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Query:
    """``groups``: for each distinct word its stems' hashes in the vault's languages, and how often it stands there.

    ``words`` are all lower-case words, stop words included. ``is_personal``: it speaks of "I", "my" or "us";
    ``asks_about_self``: it asks for something of the person's own; ``asks_for_everything``: for whatever is known.
    ``leans_on_context``: earlier turns stand in it. ``embedding`` is None without a model.
    """

    text: str
    words: tuple[str, ...]
    groups: tuple[tuple[tuple[int, ...], int], ...]
    windows: tuple[DayWindow, ...]
    yearly: tuple[YearlyDay, ...]
    embedding: Embedding | None = None
    asks_when: bool = False
    asks_how_many: bool = False
    is_personal: bool = False
    asks_about_self: bool = False
    asks_for_everything: bool = False
    is_small_talk: bool = False
    leans_on_context: bool = False


def read_query(text: str, language_codes: Iterable[int], today: date, embedding: Embedding | None) -> Query:
    """Take a question apart, for a vault whose passages are in some languages."""
    found = words(text)[:_MOST_WORDS]
    spoken = dict.fromkeys((detect_language(found) or DEFAULT, *languages_of(language_codes)))
    counts: dict[tuple[int, ...], int] = {}
    for word in found:
        for group in _groups(word, tuple(spoken)):
            counts[group] = counts.get(group, 0) + 1
    windows, yearly = explicit_days(text)
    return Query(
        text=text,
        words=tuple(found),
        groups=tuple(list(counts.items())[:MOST_GROUPS]),
        windows=(*windows, *relative_days(text, today)),
        yearly=tuple(yearly),
        embedding=embedding,
        asks_when=bool(_when.search(text)),
        asks_how_many=bool(_how_many.search(text)),
        is_personal=bool(_personal.search(text)),
        asks_about_self=bool(_about_self.search(text)) and not _asks_for_advice.search(text),
        asks_for_everything=bool(_everything.search(text)),
        is_small_talk=is_small_talk(text),
    )


def is_small_talk(text: str) -> bool:
    """Nothing but greetings, thanks and the like."""
    return all(word in stop_words("small_talk") for word in words(text)[:_MOST_WORDS])


def _groups(word: str, languages: tuple[str, ...]) -> list[tuple[int, ...]]:
    """A word's terms in each language, corresponding ones side by side. The query's own language decides
    whether it is a stop word."""
    own = word_terms(word, languages[0])
    columns = [own, *(terms for language in languages[1:] if len(terms := word_terms(word, language)) == len(own))]
    return [tuple(dict.fromkeys(map(term_hash, variants))) for variants in zip(*columns, strict=True)]
