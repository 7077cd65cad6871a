"""How recall is done, as named, frozen values that one engine runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.recall import Strategy
from recollect.recall import weights

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Plan:
    """One strategy.

    ``lexical_weights`` fuse the signals where there are no vectors, ``dense_weights`` where there are (they also
    choose the candidates of late interaction), ``late_weights`` those candidates. ``late_candidates`` 0 leaves
    late interaction out.
    """

    name: Strategy
    late_candidates: int
    deadline_ms: float
    lexical_weights: Mapping[str, float]
    dense_weights: Mapping[str, float]
    late_weights: Mapping[str, float]


LOW_LATENCY = Plan(Strategy.LOW_LATENCY, 0, 25.0, weights.LEXICAL, weights.DENSE, weights.LATE)
BALANCED = Plan(Strategy.BALANCED, 300, 150.0, weights.LEXICAL, weights.DENSE, weights.LATE)


def plan_for(strategy: Strategy) -> Plan:
    """The plan of a strategy; ``agentic`` ranks as ``balanced`` does."""
    return LOW_LATENCY if strategy is Strategy.LOW_LATENCY else BALANCED
