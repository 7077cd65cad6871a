"""Whether anything is relevant at all: decided on absolute signals, before any ranking counts.

Scaled scores always have a best; these do not. Without the gate every question, also one about the capital of
France, would get the vault's least unfitting messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recollect.domain.recall import GateVerdict
from recollect.recall import gate_weights, signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recollect.recall.query import Query
    from recollect.recall.ranking import Ranking
    from recollect.recall.vault_index import VaultIndex

DEFAULT_THRESHOLD = 0.5
OWN_COSINE = 0.25
"""From which on a question about oneself has an answer. In a vault of facts and small errands, nine of nine
questions ("What are my hobbies?", "Where do I live?") had 0.26 and more, first-person requests for something else
0.23 at most."""
TOP = 5
_MEAN_OF = 3


def gate_evidence(index: VaultIndex, query: Query, ranking: Ranking) -> dict[str, float]:
    """The absolute signals, by name.

    ``dense`` largest cosine among the five best, ``dense_mean`` mean of the three largest of all candidates; ``late``
    that of the best, ``late_window`` the largest of the five; ``coverage`` share of the query's words, weighted by
    rarity, that stand in one of the five or around it; ``unknown`` share of its words that stand nowhere in the
    vault; ``lexical`` ln(1 + BM25) of the five; ``named`` a speaker is named; ``personal`` it speaks of "I" or "my";
    ``dated`` it names a date; ``words`` how many words it has that are no stop words, at most twelve.
    """
    evidence = _of_words(index, query, ranking)
    found = ranking.signals
    if "dense" in found and len(ranking.places):
        dense = found["dense"]
        evidence["dense"] = float(dense[:TOP].max())
        evidence["dense_mean"] = float(np.sort(dense)[-_MEAN_OF:].mean())
    if "late" in found and len(ranking.places):
        evidence["late"] = float(found["late"][0])
        evidence["late_window"] = float(found["late_window"][:TOP].max())
    return evidence


def decide(
    evidence: Mapping[str, float], query: Query, threshold: float | None, *, has_known_scale: bool
) -> GateVerdict:
    """Open where the relevance reaches the threshold, or the person asks about themselves; shut for small talk.

    Relevance is a logistic model of the evidence, 0..1: 1 / (1 + exp(-(bias + Σ weight · signal))). Cosines of a
    model whose scale is not known say nothing absolute: only the words count then.
    """
    limit = DEFAULT_THRESHOLD if threshold is None else threshold
    weights = _weights_for(evidence, has_known_scale=has_known_scale)
    total = weights["bias"] + sum(weight * evidence.get(name, 0.0) for name, weight in weights.items())
    relevance = float(1 / (1 + np.exp(-total)))
    shown = {**evidence, "relevance": relevance, "threshold": limit}
    if query.is_small_talk and threshold is None:
        return GateVerdict(is_open=False, reason="small talk", signals=shown)
    if relevance >= limit:
        return GateVerdict(is_open=True, reason="relevant", signals=shown)
    if threshold is None and _concerns_the_person(evidence, query, has_known_scale=has_known_scale):
        return GateVerdict(is_open=True, reason="about the person who asks", signals=shown)
    return GateVerdict(is_open=False, reason="nothing relevant", signals=shown)


def _concerns_the_person(evidence: Mapping[str, float], query: Query, *, has_known_scale: bool) -> bool:
    """The person asks for something of their own: "my hobbies" seldom stand in the vault by that name."""
    if query.asks_for_everything:
        return True
    if not query.asks_about_self:
        return False
    if "dense" not in evidence:
        return evidence["coverage"] > 0
    return not has_known_scale or evidence["dense"] >= OWN_COSINE


def _weights_for(evidence: Mapping[str, float], *, has_known_scale: bool) -> Mapping[str, float]:
    if "dense" not in evidence or not has_known_scale:
        return gate_weights.LEXICAL
    return gate_weights.LATE if "late" in evidence else gate_weights.DENSE


def _of_words(index: VaultIndex, query: Query, ranking: Ranking) -> dict[str, float]:
    evidence = {
        "named": float(bool(ranking.signals["speaker"].any())),
        "personal": float(query.is_personal),
        "dated": float(bool(query.windows or query.yearly)),
        "words": float(min(len(query.groups), 12)),
        "coverage": 0.0,
        "unknown": 1.0,
        "lexical": 0.0,
    }
    if query.groups and len(ranking.places):
        frequencies = ranking.frequencies
        rarity = signals.inverse_document_frequencies(frequencies)
        near = signals.frequencies_around(frequencies, index.layout, ranking.places[:TOP]) > 0
        is_known = frequencies.any(axis=1)
        # Of the turns before, only what the vault knows counts: they were not worded to be looked up.
        evidence["coverage"] = _share(rarity * is_known if query.leans_on_context else rarity, near)
        evidence["unknown"] = 0.0 if query.leans_on_context else float((~is_known).mean())
        evidence["lexical"] = float(np.log1p(ranking.signals["lexical"][:TOP].max()))
    return evidence


def _share(rarity: NDArray[np.float32], is_there: NDArray[np.bool_]) -> float:
    return float((rarity @ is_there).max() / max(float(rarity.sum()), 1e-6))
