"""Evidence recall, and its interval."""

from __future__ import annotations

import math
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
        self.categories[category].append(measures.get("R@10", measures["session all@5"]))

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


def session_measures(ranked: Sequence[str], wanted: frozenset[str]) -> dict[str, float]:
    """At session level, as LongMemEval has it: ``ranked`` are sessions, each at the place of its first hit.

    ``any@5``, ``all@5``: any, all of the labelled sessions among the first five; ``ndcg@10``: binary gains,
    discounted by log2(rank + 1), over the best possible (Järvelin and Kekäläinen 2002).
    """
    top = list(dict.fromkeys(ranked))
    gains = [1 / math.log2(rank + 1) for rank, one in enumerate(top[:10], 1) if one in wanted]
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(wanted), 10) + 1))
    return {
        "session any@5": float(bool(wanted & set(top[:5]))),
        "session all@5": float(wanted <= set(top[:5])),
        "session ndcg@10": sum(gains) / ideal,
    }


def ranking_measures(ranked: Sequence[str], evidence: frozenset[str]) -> dict[str, float]:
    """``R@k``: share of the evidence among the first k; ``all@10``: all of it; ``MRR``: of the first found.

    Nothing where no message is labelled.
    """
    if not evidence:
        return {}
    measures = {f"R@{count}": len(evidence & set(ranked[:count])) / len(evidence) for count in RANKS}
    measures["all@10"] = float(evidence <= set(ranked[:10]))
    first = next((rank for rank, one in enumerate(ranked, 1) if one in evidence), None)
    measures["MRR"] = 1 / first if first else 0.0
    return measures
