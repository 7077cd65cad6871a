"""What is derived from one passage besides terms and vectors, as stored bytes.

Layout of ``PassageRow.extra``: version, language code, flags, number of names (a byte each); the names that the speaker
calls out to ("Thanks, Kate!") as little-endian uint32 hashes; then pairs of int32: first and last day of each date
that the passage speaks of.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.recall.dates import DayWindow, explicit_days, relative_days
from recollect.recall.languages import LANGUAGES, language_code
from recollect.recall.stop_words import stop_words
from recollect.recall.terms import term_hash

if TYPE_CHECKING:
    from datetime import date

VERSION = 3
ASKS = 1
"""Flag: the passage ends with a question mark."""
INSTRUCTS = 2
"""Flag: the passage lays down how things are to be done from now on."""
COUNTS = 4
"""Flag: the passage holds a number."""
_MOST_DAYS = 8
_MOST_NAMES = 3
_HEAD = 4
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
_CLOSERS = " \n\t\"'\u201d)]"
_instruction = re.compile(
    r"(?:^|[.!?\n,;]\s*)(?:(?:and|so|but|please|bitte|und|por favor|y)\s+)*"
    r"(?:always|never|from now on|remember (?:that|to)|make sure (?:to|you|that)|don't ever|in (?:the )?future|whenever"
    r"|immer|niemals|ab jetzt|von nun an|in zukunft|merk dir|denk daran"
    r"|siempre|nunca|a partir de ahora|de ahora en adelante|recuerda|toujours|jamais|désormais"
    r"|à partir de maintenant)\b|(?:从现在开始|以后|请总是|请记住|永远不要|これから|いつも|必ず|覚えて)",
    re.IGNORECASE,
)
_NAME = r"([A-Z][a-z\u00df-\u00ff]{2,15})"
_GREETINGS = ["hey", "hi", "hello", "thanks", "bye", "sorry", "hallo", "danke", "hola", "gracias", "salut", "merci"]
_GREETING = "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in _GREETINGS)
_vocative = re.compile(rf"\b(?:{_GREETING}),? {_NAME}\b|, {_NAME}(?=\s*(?:[!?.,]|$))|[a-z] {_NAME}(?=[!?])")
_number = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|twice|once|first|second|third|zwei|drei|vier|fünf|"
    r"sechs|"
    r"sieben|acht|neun|zehn|zweimal"
    r"|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|deux|trois|quatre|cinq|huit|neuf|dix)\b"
    r"|[一二三四五六七八九十两]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Derived:
    """The language ("" unknown), the flags, and the days a passage speaks of."""

    language: str
    flags: int = 0
    days: tuple[DayWindow, ...] = ()
    addressed: tuple[int, ...] = ()

    def to_bytes(self) -> bytes:
        """The stored form."""
        head = struct.pack("<BBBB", VERSION, language_code(self.language), self.flags, len(self.addressed))
        names = struct.pack(f"<{len(self.addressed)}I", *self.addressed)
        return head + names + b"".join(struct.pack("<ii", day.first, day.last) for day in self.days)

    @classmethod
    def from_bytes(cls, extra: bytes) -> Derived:
        """The inverse; nothing but an unknown language where the bytes are of another version."""
        if len(extra) < _HEAD or extra[0] != VERSION or extra[1] >= len(LANGUAGES):
            return cls("")
        if len(extra) == _HEAD:
            return cls(LANGUAGES[extra[1]], extra[2])
        names_end = _HEAD + 4 * extra[3]
        addressed = struct.unpack(f"<{extra[3]}I", extra[_HEAD:names_end])
        days = tuple(DayWindow(*pair) for pair in struct.iter_unpack("<ii", extra[names_end:]))
        return cls(LANGUAGES[extra[1]], extra[2], days, addressed)


def derive(text: str, language: str, said_on: date) -> Derived:
    """Derive from a passage that was said on a day."""
    windows, _ = explicit_days(text)
    days = [*relative_days(text, said_on), *windows][:_MOST_DAYS]
    flags = ASKS * asks(text) | INSTRUCTS * bool(_instruction.search(text)) | COUNTS * bool(_number.search(text))
    return Derived(language, flags, tuple(days), addressed_names(text))


def addressed_names(text: str) -> tuple[int, ...]:
    """Hashes of the names that a text calls out to, lower-cased."""
    found = (next(filter(None, match.groups())).lower() for match in _vocative.finditer(text))
    names = (name for name in found if name not in stop_words("small_talk"))
    return tuple(dict.fromkeys(map(term_hash, names)))[:_MOST_NAMES]


def asks(text: str) -> bool:
    """Whether a text ends as a question."""
    return text.rstrip(_CLOSERS).endswith(_QUESTION_MARKS)
