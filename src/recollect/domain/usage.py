"""What an exchange takes: tokens, and what the provider charges for them. Money is whole nano-dollars.

What is made for every exchange is a NamedTuple: it is made in a third of the time that a frozen dataclass takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from recollect.domain.ids import ProjectId

NANO_PER_USD = 1_000_000_000


class Usage(NamedTuple):
    """Tokens as the provider counted them; ``is_estimated`` where it gave no numbers.

    As OpenAI counts: ``input_tokens`` hold those that were read from the provider's cache, or written to it.
    ``reported_nano_usd``: what the provider says that it charges.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reported_nano_usd: int | None = None
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


class Cost(NamedTuple):
    """What one exchange took. ``nano_usd`` is None where nobody knows the model's price; ``provider`` is "" for a URL
    that is no provider's that we know."""

    provider: str
    model: str
    usage: Usage
    nano_usd: int | None

    @property
    def usd(self) -> float | None:
        """The money in dollars."""
        return None if self.nano_usd is None else self.nano_usd / NANO_PER_USD


class Payer(NamedTuple):
    """On whose account an exchange goes: a project, a key of it ("" without one), and a user."""

    project: ProjectId
    key: str
    user: str


class UsageCounts(NamedTuple):
    """Sums over exchanges, which can be added. ``unpriced`` requests have tokens and no money, ``estimated`` ones
    tokens that nobody counted; the last four are the memory ledger's, and may be negative where memory cost or saved
    something."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    nano_usd: int = 0
    unpriced: int = 0
    estimated: int = 0
    injected_tokens: int = 0
    spared_tokens: int = 0
    cached_without_memory: int = 0
    memory_nano_usd: int = 0

    def plus(self, other: UsageCounts) -> UsageCounts:
        """The sum, count by count."""
        return UsageCounts(*map(add, self, other))


def sum_of(counts: Iterable[UsageCounts]) -> UsageCounts:
    """All of them together."""
    return reduce(UsageCounts.plus, counts, UsageCounts())


class UsageAccount(NamedTuple):
    """What is added up: the exchanges of one payer with one model on one day (UTC)."""

    day: date
    payer: Payer
    provider: str
    model: str


class UsageGroup(StrEnum):
    """What totals can be told apart by."""

    DAY = "day"
    KEY = "key"
    USER = "user"
    PROVIDER = "provider"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Totals of a project from one day to another, both included; None leaves an end open. ``key``, ``user`` and
    ``model`` restrict them."""

    project: ProjectId
    first: date | None = None
    last: date | None = None
    group_by: frozenset[UsageGroup] = frozenset({UsageGroup.DAY})
    key: str | None = None
    user: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """One line of an answer: a value for each group asked for, and the sums."""

    group: Mapping[UsageGroup, str]
    counts: UsageCounts
