"""Evidence recall, and its interval."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RANKS = (5, 10, 20, 50)
DRAWS = 1000


@dataclass(slots=True)
class Tally:
    """Measures by conversation, since the questions of one conversation are not independent."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    categories: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, conversation: str, category: str, measures: dict[str, float]) -> None:
        """One question's measures."""
        for name, value in measures.items():
            self.values[name][conversation].append(value)
        self.categories[category].append(measures.get("R@10", 0.0))

    def mean(self, name: str) -> float:
        """Mean over questions, in per cent."""
        return 100 * statistics.fmean(value for values in self.values[name].values() for value in values)

    def interval(self, name: str) -> tuple[float, float]:
        """95 % interval in per cent, from a bootstrap over conversations."""
        groups = list(self.values[name].values())
        chance = random.Random(7)
        means = sorted(
            statistics.fmean(value for group in chance.choices(groups, k=len(groups)) for value in group)
            for _ in range(DRAWS)
        )
        return 100 * means[int(DRAWS * 0.025)], 100 * means[int(DRAWS * 0.975)]


def ranking_measures(ranked: Sequence[str], evidence: frozenset[str]) -> dict[str, float]:
    """``R@k``: share of the evidence among the first k; ``all@10``: all of it; ``MRR``: of the first found."""
    measures = {f"R@{count}": len(evidence & set(ranked[:count])) / len(evidence) for count in RANKS}
    measures["all@10"] = float(evidence <= set(ranked[:10]))
    first = next((rank for rank, one in enumerate(ranked, 1) if one in evidence), None)
    measures["MRR"] = 1 / first if first else 0.0
    return measures
