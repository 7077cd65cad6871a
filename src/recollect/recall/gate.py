"""Whether anything is relevant at all: decided on absolute signals, before any ranking counts.

Scaled scores always have a best; these do not. Without the gate every question, also one about the capital of
France, would get the vault's least unfitting messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from recollect.domain.recall import GateVerdict
from recollect.recall import signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.recall.query import Query
    from recollect.recall.ranking import Ranking
    from recollect.recall.vault_index import VaultIndex

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class GateModel:
    """A logistic model over absolute signals: relevance = 1 / (1 + exp(-(bias + Σ weight · signal)))."""

    bias: float
    weights: Mapping[str, float] = field(default_factory=dict)

    def relevance(self, evidence: Mapping[str, float]) -> float:
        """0..1 for some signals."""
        total = self.bias + sum(weight * evidence.get(name, 0.0) for name, weight in self.weights.items())
        return float(1 / (1 + np.exp(-total)))


LEXICAL_GATE = GateModel(-4.0, MappingProxyType({"coverage": 6.0, "personal": 1.5, "named": 2.0}))
VECTOR_GATE = GateModel(
    -7.0, MappingProxyType({"coverage": 4.0, "dense": 9.0, "late": 4.0, "personal": 1.0, "named": 2.0})
)


def gate_evidence(index: VaultIndex, query: Query, ranking: Ranking, top: int = 5) -> dict[str, float]:
    """The absolute signals of the best hits: best cosine, best late interaction, share of the query's rare words."""
    best = slice(0, top)
    evidence: dict[str, float] = {
        name: float(ranking.signals[name][best].max())
        for name in ("dense", "late")
        if name in ranking.signals and len(ranking.places)
    }
    evidence["coverage"] = _coverage(index, query, ranking, top)
    evidence["named"] = float(bool(ranking.signals["speaker"].any())) if "speaker" in ranking.signals else 0.0
    return evidence


def decide(evidence: Mapping[str, float], model: GateModel, threshold: float | None) -> GateVerdict:
    """Open where the relevance reaches the threshold."""
    limit = DEFAULT_THRESHOLD if threshold is None else threshold
    relevance = model.relevance(evidence)
    is_open = relevance >= limit
    reason = "relevant" if is_open else "nothing relevant"
    return GateVerdict(is_open, reason, {**evidence, "relevance": relevance, "threshold": limit})


def _coverage(index: VaultIndex, query: Query, ranking: Ranking, top: int) -> float:
    """Largest share, weighted by rarity, of the query's words that stand in one of the best passages."""
    if not query.groups or not len(ranking.places):
        return 0.0
    frequencies = signals.term_frequencies(index, query)
    weights = signals.inverse_document_frequencies(frequencies)
    present = frequencies[:, ranking.places[:top]] > 0
    return float((weights @ present).max() / max(float(weights.sum()), 1e-6))
