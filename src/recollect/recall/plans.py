"""How recall is done, as named, frozen values that one engine runs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from recollect.domain.recall import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEXICAL_WEIGHTS = MappingProxyType(
    {
        "lexical": 0.4,
        "near_window": 0.5,
        "session": 0.3,
        "speaker": 0.18,
        "date": 0.3,
        "asks": -0.08,
        "user_role": 0.4,
        "recency": 0.02,
    }
)
_DENSE_WEIGHTS = MappingProxyType(
    {
        "lexical": 0.4,
        "near_window": 0.3,
        "dense": 0.4,
        "session": 0.3,
        "speaker": 0.18,
        "date": 0.3,
        "asks": -0.08,
        "user_role": 0.4,
        "recency": 0.02,
    }
)
_BALANCED_WEIGHTS = MappingProxyType(
    {
        "late": 1.0,
        "lexical": 0.1,
        "near_window": 0.3,
        "wide_window": 0.2,
        "dense": 0.1,
        "session": 0.3,
        "speaker": 0.2,
        "date": 0.3,
        "asks": -0.1,
        "user_role": 0.4,
        "recency": 0.02,
    }
)


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


LOW_LATENCY = Plan(Strategy.LOW_LATENCY, 0, 25.0, _LEXICAL_WEIGHTS, _DENSE_WEIGHTS, _BALANCED_WEIGHTS)
BALANCED = Plan(Strategy.BALANCED, 300, 150.0, _LEXICAL_WEIGHTS, _DENSE_WEIGHTS, _BALANCED_WEIGHTS)


def plan_for(strategy: Strategy) -> Plan:
    """The plan of a strategy; ``agentic`` ranks as ``balanced`` does."""
    return LOW_LATENCY if strategy is Strategy.LOW_LATENCY else BALANCED
