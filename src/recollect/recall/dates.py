"""Days that a text speaks of: explicit dates, and relative ones against a moment.

Days are counted as ``date.toordinal()``. A month without a year, as people write it, recurs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTH_NAMES = (
    "january jan januar janvier enero gennaio janeiro",
    "february feb februar février fevrier febrero febbraio fevereiro",
    "march mar märz maerz mars marzo março",
    "april apr avril abril aprile",
    "may mai mayo maggio maio",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug août aout agosto",
    "september sept sep septembre septiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre diciembre dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_WEEKDAY_NAMES = (
    "monday montag lunes lundi",
    "tuesday dienstag martes mardi",
    "wednesday mittwoch miércoles mercredi",
    "thursday donnerstag jueves jeudi",
    "friday freitag viernes vendredi",
    "saturday samstag sábado samedi",
    "sunday sonntag domingo dimanche",
)
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAY_NAMES) for name in names.split()}
_NUMBERS = {
    word: value
    for value, words in enumerate(
        (
            "",
            "a an one ein einem einer un una une",
            "two zwei dos deux couple",
            "three drei tres trois few",
            "four vier cuatro quatre",
            "five fünf cinco cinq",
            "six sechs seis",
            "seven sieben siete sept",
            "eight acht ocho huit",
            "nine neun nueve neuf",
            "ten zehn diez dix",
        )
    )
    for word in words.split()
}

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_ABBREVIATION = 4
_SHORT_MONTHS = frozenset({"june", "july", "mai", "juni", "juli", "märz", "mars", "mayo"})
_FULL_MONTH = "|".join(name for name in MONTHS if len(name) > _ABBREVIATION or name in _SHORT_MONTHS)
_WEEKDAY = "|".join(WEEKDAYS)
_COUNT = "|".join([r"\d{1,2}", *sorted(_NUMBERS, key=len, reverse=True)])
_ORDINAL = r"(?:st|nd|rd|th|\.|er|º)?"
_flags = re.IGNORECASE
_iso = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_cjk = re.compile(r"(?:(\d{4})\s*年\s*)?(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号號])?")
_day_month = re.compile(
    rf"\b(\d{{1,2}}){_ORDINAL}\s+(?:of\s+|de\s+)?({_MONTH})\b\.?(?:,?\s+(?:of\s+|de\s+|del\s+)?(\d{{4}}))?", _flags
)
_month_day = re.compile(rf"\b({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,?\s+(\d{{4}}))?", _flags)
_month_year = re.compile(rf"\b({_MONTH})\.?,?\s+(?:of\s+|de\s+|del\s+)?(\d{{4}})\b", _flags)
_month_alone = re.compile(
    r"\b(?:in|during|of|since|until|by|early|late|mid|last|this|next|im|seit|bis|ende|anfang|en|de|desde)"
    rf"[ -](?:the\s+)?({_FULL_MONTH}|may)\b",
    _flags,
)
_year_alone = re.compile(r"\b(?:in|during|since|year|jahr|año|en)\s+((?:19|20)\d{2})\b", _flags)
_ago = re.compile(
    rf"\b({_COUNT})\s+(day|week|month|year)s?\s+ago\b|\bvor\s+({_COUNT})\s+(tag|woche|monat|jahr)\w*|\bhace\s+({_COUNT})\s+(día|semana|mes|año)\w*",
    _flags,
)
_last_weekday = re.compile(rf"\b(?:last|this past|on|letzten|am|el)\s+({_WEEKDAY})\b", _flags)
_next_weekday = re.compile(rf"\b(?:next|this coming|nächsten)\s+({_WEEKDAY})\b", _flags)
_UNITS = {
    "day": 1,
    "tag": 1,
    "día": 1,
    "week": 7,
    "woche": 7,
    "semana": 7,
    "month": 30,
    "monat": 30,
    "mes": 30,
    "year": 365,
    "jahr": 365,
    "año": 365,
}
_PHRASES: tuple[tuple[re.Pattern[str], int, int], ...] = tuple(
    (re.compile(pattern, _flags), first, last)
    for pattern, first, last in (
        (r"\b(?:day before yesterday|vorgestern|anteayer)\b|前天|一昨日", -2, -2),
        (r"(?<!before )\b(?:yesterday|last night|gestern|ayer|hier soir|anoche)\b|昨天|昨日|昨晚", -1, -1),
        (r"\b(?:today|tonight|this morning|this afternoon|heute|hoy|aujourd'hui)\b|今天|今日|今晚", 0, 0),
        (r"\b(?:tomorrow|morgen früh|mañana|demain)\b|明天|明日", 1, 1),
        (r"\b(?:last week|letzte woche|la semana pasada|semana pasada|la semaine dernière)\b|上周|上週|先週", -10, -4),
        (r"\b(?:last weekend|past weekend|letztes wochenende|fin de semana pasado)\b|上周末|先週末", -8, -1),
        (r"\b(?:this weekend)\b", 0, 6),
        (r"\b(?:this week|diese woche|esta semana)\b|这周|這週|今週", -3, 6),
        (r"\b(?:next week|nächste woche|la próxima semana)\b|下周|下週|来週", 4, 13),
        (r"\b(?:last month|letzten monat|el mes pasado)\b|上个月|上個月|先月", -45, -15),
        (r"\b(?:next month|nächsten monat|el próximo mes)\b|下个月|下個月|来月", 15, 45),
        (r"\b(?:last year|letztes jahr|el año pasado)\b|去年", -400, -200),
        (r"\b(?:recently|the other day|neulich)\b", -10, 0),
    )
)
_MONTHS_A_YEAR = 12
_LATEST_YEAR = 2200


@dataclass(frozen=True, slots=True)
class DayWindow:
    """Days from ``first`` to ``last``, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class YearlyDay:
    """A month of any year, or (``day`` > 0) a day of it."""

    month: int
    day: int = 0


def explicit_days(text: str) -> tuple[list[DayWindow], list[YearlyDay]]:
    """The dates that are written out in a text: with a year, and without one."""
    windows: list[DayWindow] = []
    yearly: list[YearlyDay] = []
    rest = text
    for pattern, reader in (
        (_iso, lambda match: (match[1], match[2], match[3])),
        (_cjk, lambda match: (match[1], match[2], match[3])),
        (_day_month, lambda match: (match[3], MONTHS[match[2].lower()], match[1])),
        (_month_day, lambda match: (match[3], MONTHS[match[1].lower()], match[2])),
        (_month_year, lambda match: (match[2], MONTHS[match[1].lower()], None)),
        (_month_alone, lambda match: (None, MONTHS[match[1].lower()], None)),
        (_year_alone, lambda match: (match[1], None, None)),
    ):
        for match in pattern.finditer(rest):
            year, month, day = (int(part) if part else 0 for part in reader(match))
            found = _window(year, month, day)
            if isinstance(found, DayWindow):
                windows.append(found)
            elif found is not None:
                yearly.append(found)
        rest = pattern.sub(" ", rest)
    return windows, yearly


def relative_days(text: str, today: date) -> list[DayWindow]:
    """The days that "yesterday", "last Friday" or "three weeks ago" mean when said on ``today``."""
    base = today.toordinal()
    return [DayWindow(base + first, base + last) for first, last in _offsets(text, today.weekday())]


def _offsets(text: str, weekday: int) -> Iterator[tuple[int, int]]:
    for pattern, first, last in _PHRASES:
        if pattern.search(text):
            yield first, last
    for match in _ago.finditer(text):
        count, unit = next((match[i], match[i + 1]) for i in (1, 3, 5) if match[i])
        length = _UNITS[unit.lower()]
        days = length * (int(count) if count.isdigit() else _NUMBERS[count.lower()])
        slack = 0 if length == 1 else length // 2
        yield -days - slack, -days + slack
    for match in _last_weekday.finditer(text):
        back = (weekday - WEEKDAYS[match[1].lower()]) % 7 or 7
        yield -back, -back
    for match in _next_weekday.finditer(text):
        ahead = (WEEKDAYS[match[1].lower()] - weekday) % 7 or 7
        yield ahead, ahead


def _window(year: int, month: int, day: int) -> DayWindow | YearlyDay | None:
    if year > _LATEST_YEAR or month > _MONTHS_A_YEAR:
        return None
    if not year:
        return YearlyDay(month, day) if month else None
    try:
        if day:
            first = date(year, month, day)
            return DayWindow(first.toordinal(), first.toordinal())
        first = date(year, month or 1, 1)
        after = date(year + 1, 1, 1) if month in {0, _MONTHS_A_YEAR} else date(year, month + 1, 1)
    except ValueError:
        return None
    return DayWindow(first.toordinal(), (after - timedelta(days=1)).toordinal())
