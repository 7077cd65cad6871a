"""From a ranking to what is injected: best first into the token budget, then in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

DAY_HEADER_TOKENS = 8
"""``[2023-05-08 Mon]`` and its line break."""


@dataclass(slots=True)
class Budget:
    """Tokens left, and the days whose header is paid for."""

    left: int
    days: set[Hashable] = field(default_factory=set)

    def cost(self, tokens: int, day: Hashable) -> int:
        """What a passage of that day would take."""
        return tokens + (0 if day in self.days else DAY_HEADER_TOKENS)

    def take(self, tokens: int, day: Hashable) -> int | None:
        """Pay for a passage: what it took, or None where it does not fit."""
        cost = self.cost(tokens, day)
        if cost > self.left:
            return None
        self.left -= cost
        self.days.add(day)
        return cost


def fits_whole(passages: Iterable[tuple[int, Hashable]], budget: int) -> bool:
    """Whether all passages, given as tokens and day, fit."""
    trial = Budget(budget)
    return all(trial.take(tokens, day) is not None for tokens, day in passages)
