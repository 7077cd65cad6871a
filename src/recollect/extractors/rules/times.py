"""Days that a sentence names, in English, German and Spanish, against the day on which it was said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MONTH_NAMES = (
    "january jan januar jänner enero",
    "february feb februar febrero",
    "march mar märz marzo",
    "april apr abril",
    "may mai mayo",
    "june jun juni junio",
    "july jul juli julio",
    "august aug agosto",
    "september sept sep septiembre",
    "october oct oktober okt octubre",
    "november nov noviembre",
    "december dec dezember dez diciembre",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_WEEKDAY_NAMES = (
    "monday montag lunes",
    "tuesday dienstag martes",
    "wednesday mittwoch miércoles",
    "thursday donnerstag jueves",
    "friday freitag viernes",
    "saturday samstag sábado",
    "sunday sonntag domingo",
)
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAY_NAMES) for name in names.split()}
_COUNT_WORDS = (
    "", "a an one ein einem einer einen un una", "two zwei dos", "three drei tres", "four vier cuatro",
    "five fünf cinco", "six sechs seis", "seven sieben siete", "eight acht ocho", "nine neun nueve", "ten zehn diez",
)  # fmt: skip
COUNTS = {word: number for number, words in enumerate(_COUNT_WORDS) for word in words.split()}
_UNITS = {
    "day": 1, "days": 1, "tag": 1, "tage": 1, "tagen": 1, "día": 1, "días": 1,
    "week": 7, "weeks": 7, "woche": 7, "wochen": 7, "semana": 7, "semanas": 7,
    "month": 30, "months": 30, "monat": 30, "monate": 30, "monaten": 30, "mes": 30, "meses": 30,
    "year": 365, "years": 365, "jahr": 365, "jahre": 365, "jahren": 365, "año": 365, "años": 365,
}  # fmt: skip
_SINGLE_DAYS = {
    "yesterday": -1, "gestern": -1, "ayer": -1, "today": 0, "tonight": 0, "heute": 0, "hoy": 0,
    "tomorrow": 1, "morgen": 1, "mañana": 1, "übermorgen": 2, "pasado mañana": 2, "day after tomorrow": 2,
    "day before yesterday": -2, "vorgestern": -2, "anteayer": -2,
}  # fmt: skip
WEEK, MONTH, YEAR = 7, 30, 365

_M = "|".join(sorted((name for name in MONTHS if name != "may"), key=len, reverse=True))
_W = "|".join(WEEKDAYS)
_N = "|".join([r"\d{1,2}", *sorted(COUNTS, key=len, reverse=True)])
_U = "|".join(sorted(_UNITS, key=len, reverse=True))


class Tense(StrEnum):
    """Which of two occurrences of a day without a year is meant."""

    PAST = "past"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``first`` up to, not including, ``behind``; the words stand at ``start``…``end`` of the sentence."""

    first: date
    behind: date
    start: int
    end: int

    @property
    def begins_at(self) -> datetime:
        """Midnight, UTC."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """Midnight behind the last day, UTC."""
        return datetime(self.behind.year, self.behind.month, self.behind.day, tzinfo=UTC)


def find_span(text: str, said_at: datetime, tense: Tense) -> Span | None:
    """The first day, week, month or year that a sentence names."""
    said_on = said_at.date()
    best: Span | None = None
    for pattern, read in _READERS:
        for found in pattern.finditer(text):
            days = read(found, said_on, tense)
            if days is not None and (best is None or (found.start(), -found.end()) < (best.start, -best.end)):
                best = Span(*days, found.start(), found.end())
    return best


def _month_days(year: int, month: int) -> tuple[date, date]:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), following


def _occurrence(make: Callable[[int], tuple[date, date]], said_on: date, tense: Tense) -> tuple[date, date] | None:
    """Of a day or month without a year: the last one that has begun, or the next one that is not over."""
    try:
        candidates = [make(said_on.year + shift) for shift in (-1, 0, 1)]
    except ValueError:
        return None
    if tense is Tense.PAST:
        return max((days for days in candidates if days[0] <= said_on), default=None)
    return min((days for days in candidates if days[1] > said_on), default=None)


def _day(year: int, month: int, day: int) -> tuple[date, date]:
    first = date(year, month, day)
    return first, first + timedelta(days=1)


def _read_iso(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:  # noqa: ARG001
    try:
        return _day(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _read_day_of_month(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:
    month, day = MONTHS[found["month"].lower()], int(found["day"])
    year = found["year"]
    try:
        return _day(int(year), month, day) if year else _occurrence(lambda y: _day(y, month, day), said_on, tense)
    except ValueError:
        return None


def _read_month(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:
    month, year = MONTHS[found["month"].lower()], found["year"]
    if year:
        return _month_days(int(year), month)
    return _occurrence(lambda y: _month_days(y, month), said_on, tense)


def _read_year(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:  # noqa: ARG001
    year = int(found[1])
    return date(year, 1, 1), date(year + 1, 1, 1)


def _read_distance(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:  # noqa: ARG001
    """``two weeks ago``, ``in three days``: a window as wide as the unit."""
    count = found["count"].lower()
    number = int(count) if count.isdigit() else COUNTS[count]
    unit = _UNITS[found["unit"].lower()]
    sign = 1 if found["sign"].lower() in {"in", "dentro de", "en"} else -1
    first = said_on + timedelta(days=sign * number * unit)
    if unit == MONTH:
        first = first.replace(day=1)
        return _month_days(first.year, first.month)
    if unit == YEAR:
        year = said_on.year + sign * number
        return date(year, 1, 1), date(year + 1, 1, 1)
    return first, first + timedelta(days=unit)


def _read_single_day(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:  # noqa: ARG001
    first = said_on + timedelta(days=_SINGLE_DAYS[found[1].lower()])
    return first, first + timedelta(days=1)


_LAST = frozenset({"last", "letzten", "letzte", "letztes", "letzter", "vergangenen", "vergangene", "pasada", "pasado"})
_THIS = frozenset({"this", "diese", "diesen", "dieses", "dieser", "esta", "este"})


def _read_relative_unit(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:  # noqa: ARG001
    """``last month``, ``nächste Woche``, ``el año que viene``."""
    which = (found["which"] or found["behind"] or "").lower()
    shift = -1 if which in _LAST else 0 if which in _THIS else 1
    unit = _UNITS[(found["unit"] or found["unit2"]).lower()]
    if unit == WEEK:
        monday = said_on - timedelta(days=said_on.weekday()) + timedelta(weeks=shift)
        return monday, monday + timedelta(weeks=1)
    if unit == MONTH:
        months = said_on.year * 12 + said_on.month - 1 + shift
        return _month_days(months // 12, months % 12 + 1)
    year = said_on.year + shift
    return date(year, 1, 1), date(year + 1, 1, 1)


def _read_weekday(found: re.Match[str], said_on: date, tense: Tense) -> tuple[date, date] | None:
    day = WEEKDAYS[found["weekday"].lower()]
    if tense is Tense.PAST:
        first = said_on - timedelta(days=(said_on.weekday() - day) % 7)
    else:
        first = said_on + timedelta(days=((day - said_on.weekday()) % 7) or WEEK)
    return first, first + timedelta(days=1)


_UNIT_WORDS = "week|month|year|woche|monat|jahr|semana|mes|año"
_flags = re.IGNORECASE
_YEAR_PART = r"(?:,?\s+(?:of\s+|de\s+|del\s+)?(?P<year>(?:19|20)\d\d))?"
_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date, Tense], tuple[date, date] | None]], ...] = (
    (re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"), _read_iso),
    (
        re.compile(
            rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|º)?\s+(?:of\s+|de\s+)?(?P<month>{_M}|may)\b\.?{_YEAR_PART}", _flags
        ),
        _read_day_of_month,
    ),
    (
        re.compile(
            rf"\b(?P<month>{_M}|may)\.?\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d){_YEAR_PART}", _flags
        ),
        _read_day_of_month,
    ),
    (
        re.compile(
            r"\b(?:in|since|until|by|from|last|this|next|early|late|im|seit|ab|bis|seit dem|en|desde|hasta|el|a"
            rf" (?:principios|finales) de)\s+(?P<month>{_M}|may)\b{_YEAR_PART}(?!\s+\d)",
            _flags,
        ),
        _read_month,
    ),
    (re.compile(rf"\b(?P<month>{_M}|may)\s+(?:of\s+|de\s+|del\s+)?(?P<year>(?:19|20)\d\d)\b", _flags), _read_month),
    (re.compile(r"\b(?:in|since|seit|im Jahr|en|desde|until|bis|hasta|from)\s+((?:19|20)\d\d)\b", _flags), _read_year),
    (re.compile(rf"\b(?P<count>{_N})\s+(?P<unit>{_U})\s+(?P<sign>ago)\b", _flags), _read_distance),
    (re.compile(rf"\b(?P<sign>in|vor|hace|dentro de|en)\s+(?P<count>{_N})\s+(?P<unit>{_U})\b", _flags), _read_distance),
    (
        re.compile(
            r"(?<!la )(?<!por la )(?<!guten )(?<!jeden )\b(day after tomorrow|day before yesterday|pasado mañana|"
            r"yesterday"
            r"|today|tonight|tomorrow|vorgestern|gestern|heute|übermorgen|morgen|anteayer|ayer|hoy|mañana)\b"
        ),
        _read_single_day,
    ),
    (
        re.compile(
            r"\b(?:(?P<which>last|this|next|letzte[rsn]?|vergangene[rsn]?|diese[rsn]?|nächste[rsn]?|kommende[rsn]?|"
            rf"pr[óo]xim[oa]|est[ea])\s+(?P<unit>{_UNIT_WORDS})|(?:la|el)\s+(?P<unit2>semana|mes|año)\s+"
            r"(?P<behind>pasad[oa]|que viene))\b",
            _flags,
        ),
        _read_relative_unit,
    ),
    (
        re.compile(
            r"\b(?:on|next|this|coming|last|am|nächste[rsn]?|kommende[rsn]?|diese[rsn]?|letzte[rsn]?|el|este|"
            r"el próximo)"
            rf"\s+(?P<weekday>{_W})\b",
            _flags,
        ),
        _read_weekday,
    ),
)
