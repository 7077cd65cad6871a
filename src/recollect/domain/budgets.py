"""Limits on what may be taken in a minute, a day or a month: requests, tokens, money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from recollect.domain.ids import digest16
from recollect.domain.usage import NANO_PER_USD

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIMIT = re.compile(
    r"\s*\$?(?P<most>[0-9][0-9_]*(?:\.[0-9]+)?)\s*(?P<measure>requests?|tokens?|usd)\s*(?:/|\s+per\s+)\s*"
    r"(?P<period>minute|day|month)\s*\Z",
    re.IGNORECASE,
)
MOST = 10**9
DECEMBER = 12


class Measure(StrEnum):
    """What is limited."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    USD = "usd"


class Period(StrEnum):
    """For how long: windows of the calendar, UTC."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"

    def window(self, at: datetime) -> tuple[datetime, datetime]:
        """The window that a moment is in: its begin, and its end, at which the next one begins."""
        if self is Period.MINUTE:
            start = at.replace(second=0, microsecond=0)
            return start, start + timedelta(minutes=1)
        start = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Period.DAY:
            return start, start + timedelta(days=1)
        start = start.replace(day=1)
        is_december = start.month == DECEMBER
        return start, start.replace(year=start.year + is_december, month=1 if is_december else start.month + 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """``most`` is requests, tokens or nano-dollars."""

    measure: Measure
    period: Period
    most: int

    def __str__(self) -> str:
        """As people write it: ``5 usd/day``."""
        amount = Decimal(self.most) / NANO_PER_USD if self.measure is Measure.USD else Decimal(self.most)
        return f"{amount.normalize():f} {self.measure}/{self.period}"


def parse_limit(text: str) -> Limit:
    """``60 requests/minute``, ``200000 tokens/day``, ``5 usd/month``; ValueError says what is expected."""
    found = _LIMIT.match(text)
    if found is None:
        message = "must be a limit as `60 requests/minute`, `200000 tokens/day` or `5 usd/month`"
        raise ValueError(message)
    word = found["measure"].lower()
    measure = Measure.USD if word == "usd" else Measure(word.removesuffix("s") + "s")
    amount = Decimal(found["most"].replace("_", ""))
    if amount > MOST or (measure is not Measure.USD and amount != amount.to_integral_value()):
        message = f"must be a whole number of {measure}, at most {MOST}"
        raise ValueError(message)
    return Limit(
        measure, Period(found["period"].lower()), int(amount * NANO_PER_USD if measure is Measure.USD else amount)
    )


def parse_limits(texts: Iterable[str]) -> tuple[Limit, ...]:
    """Several; of one measure and period the last counts."""
    return merge_limits((), map(parse_limit, texts))


def merge_limits(weaker: Iterable[Limit], stronger: Iterable[Limit]) -> tuple[Limit, ...]:
    """One limit for each measure and period: the stronger one where there are two."""
    merged = {(one.measure, one.period): one for one in (*weaker, *stronger)}
    return tuple(merged.values())


@dataclass(frozen=True, slots=True)
class Scope:
    """What a limit is on: ``kind`` is ``project``, ``key``, ``user`` or ``model``; names are within the project."""

    kind: str
    project: str
    name: str

    @property
    def digest(self) -> str:
        """How a store knows it: no user's name stands in a budget's window."""
        return digest16(
            b"budget", self.kind.encode(), self.project.encode(), self.name.encode("utf-8", "replace")
        ).hex()

    def __str__(self) -> str:
        """For people."""
        return f"this {self.kind}" if self.kind != "model" else f"the model {self.name}"


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount to be taken from one limit's window."""

    scope: Scope
    limit: Limit
    starts_at: datetime
    ends_at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A window as a charge found it: ``used`` before the charge."""

    charge: Charge
    used: int

    @property
    def fits(self) -> bool:
        """There is room for the charge; a charge of nothing needs some, too."""
        return self.used + max(1, self.charge.amount) <= self.charge.limit.most
