"""What is derived from one passage besides terms and vectors, as stored bytes.

Layout of ``PassageRow.extra``: version, language code, flags (a byte each), then pairs of little-endian int32:
first and last day of each date that the passage speaks of.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.recall.dates import DayWindow, explicit_days, relative_days
from recollect.recall.languages import LANGUAGES, language_code

if TYPE_CHECKING:
    from datetime import date

VERSION = 1
ASKS = 1
"""Flag: the passage ends with a question mark."""
_MOST_DAYS = 8
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
_CLOSERS = " \n\t\"'\u201d)]"


@dataclass(frozen=True, slots=True)
class Derived:
    """The language ("" unknown), the flags, and the days a passage speaks of."""

    language: str
    flags: int = 0
    days: tuple[DayWindow, ...] = ()

    def to_bytes(self) -> bytes:
        """The stored form."""
        head = struct.pack("<BBB", VERSION, language_code(self.language), self.flags)
        return head + b"".join(struct.pack("<ii", day.first, day.last) for day in self.days)

    @classmethod
    def from_bytes(cls, extra: bytes) -> Derived:
        """The inverse; nothing but an unknown language where the bytes are of another version."""
        if len(extra) < 3 or extra[0] != VERSION or extra[1] >= len(LANGUAGES):  # noqa: PLR2004  the three head bytes
            return cls("")
        days = tuple(DayWindow(*pair) for pair in struct.iter_unpack("<ii", extra[3:]))
        return cls(LANGUAGES[extra[1]], extra[2], days)


def derive(text: str, language: str, said_on: date) -> Derived:
    """Derive from a passage that was said on a day."""
    windows, _ = explicit_days(text)
    days = [*relative_days(text, said_on), *windows][:_MOST_DAYS]
    return Derived(language, ASKS if asks(text) else 0, tuple(days))


def asks(text: str) -> bool:
    """Whether a text ends as a question."""
    return text.rstrip(_CLOSERS).endswith(_QUESTION_MARKS)
