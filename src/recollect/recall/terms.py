"""Words to index terms: Unicode words, stemmed, stop words out; CJK bigrams; 32-bit hashes."""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import Stemmer

from recollect.recall.languages import DEFAULT, detect_language
from recollect.recall.stop_words import stop_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
"""Scripts written without spaces (kana, han): indexed as pairs of characters. Hangul has spaces."""

_word = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+(?:['\u2019][^\W_{CJK}]+)*")
_cjk = re.compile(rf"[{CJK}]")
_possessive = re.compile(r"['\u2019]s?$")
_stemmers = threading.local()


def words(text: str) -> list[str]:
    """Lower-case words in order; a run of CJK characters is one of them."""
    return _word.findall(unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'"))


def index_terms(text: str, language: str | None = None) -> tuple[list[str], str]:
    """The terms of a text in order, and its language ("" where it could not be told)."""
    found = words(text)
    spoken = detect_language(found) if language is None else language
    return [term for word in found for term in word_terms(word, spoken or DEFAULT)], spoken


def word_terms(word: str, language: str) -> tuple[str, ...]:
    """The terms of one lower-case word: none for a stop word, its stem, or the pairs of a CJK run."""
    if _cjk.match(word):
        return tuple(_pairs(word))
    plain = _possessive.sub("", word)
    if word in stop_words(language) or plain in stop_words(language):
        return ()
    return (_stem(plain.replace("'", ""), language),) if plain else ()


def term_hash(term: str) -> int:
    """32 bits of a term (CRC-32 of its UTF-8)."""
    return zlib.crc32(term.encode("utf-8", "replace"))


def term_hashes(terms: Iterable[str]) -> list[int]:
    """Hashes of terms, in order."""
    return [term_hash(term) for term in terms]


def _pairs(run: str) -> Iterator[str]:
    """Pairs of neighbouring characters, unless both are particles; a lone character, unless it is one."""
    particles = stop_words("cjk")
    if len(run) == 1:
        yield from () if run in particles else (run,)
        return
    for first, second in pairwise(run):
        if first not in particles or second not in particles:
            yield first + second


def _stem(word: str, language: str) -> str:
    """PyStemmer's stemmers are not to be shared between threads."""
    stem = getattr(_stemmers, language, None)
    if stem is None:
        stem = lru_cache(maxsize=20_000)(Stemmer.Stemmer(language, 0).stemWord)
        setattr(_stemmers, language, stem)
    result: str = stem(word)
    return result
