"""From a question and a vault to scores: signals, their normalisation, their weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall import signals
from recollect.recall.packed_states import max_similarities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recollect.recall.plans import Plan
    from recollect.recall.query import Query
    from recollect.recall.vault_index import VaultIndex

Scores = dict[str, "NDArray[np.float32]"]

_ABSOLUTE = frozenset({"speaker", "date", "asks", "user_role", "recency"})
"""Signals that are used as they are; the others are scaled to 0..1 within the query."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """``places`` of the layout, best first, with their fused ``scores`` and raw ``signals`` in the same order."""

    places: NDArray[np.int64]
    scores: NDArray[np.float32]
    signals: Scores
    weights: Mapping[str, float]


def rank(index: VaultIndex, query: Query, plan: Plan, eligible: NDArray[np.bool_]) -> Ranking:
    """Rank the eligible places of a vault. Pure, no loop over passages."""
    raw = wide_signals(index, query)
    has_vectors = query.embedding is not None and index.has_vectors
    weights = plan.dense_weights if has_vectors else plan.lexical_weights
    fused = fuse(raw, weights, eligible)
    with_session = raw | {"session": signals.session_scores(fused, index.layout)}
    fused = fuse(with_session, weights, eligible)
    places = np.flatnonzero(eligible)
    if query.embedding is not None and query.embedding.states is not None and has_vectors and plan.late_candidates:
        places = _best(places, fused[places], plan.late_candidates)
        late = late_interaction(index, query, places)
        chosen = {name: values[places] for name, values in raw.items()} | {"late": late}
        everyone = np.ones(len(places), np.bool_)
        weights = plan.late_weights
        base = fuse(chosen, weights, everyone)
        spread = np.zeros(len(index.layout), np.float32)
        spread[places] = base
        chosen["session"] = signals.session_scores(spread, index.layout)[places]
        return _ranking(places, chosen, weights, everyone)
    chosen = {name: values[places] for name, values in with_session.items()}
    return _ranking(places, chosen, weights, np.ones(len(places), np.bool_))


def wide_signals(index: VaultIndex, query: Query) -> Scores:
    """The signals that are cheap enough for every passage."""
    layout = index.layout
    frequencies = signals.term_frequencies(index, query)
    counts = [count for _, count in query.groups]
    near = signals.window_frequencies(frequencies, layout, 1)
    wide = signals.window_frequencies(frequencies, layout, 2)
    found: Scores = {
        "lexical": signals.bm25(frequencies, layout.lengths, counts),
        "near_window": signals.bm25(near, layout.window_lengths[0], counts),
        "wide_window": signals.bm25(wide, layout.window_lengths[1], counts),
        "speaker": signals.spoken_by(index, named_speakers(index, query)),
        "date": signals.date_matches(index, query.windows, query.yearly),
        "asks": signals.asking(index),
        "user_role": signals.said_by_user(index),
        "recency": signals.recency(index),
    }
    if query.embedding is not None and index.has_vectors:
        found["dense"] = signals.dense_similarities(index, query.embedding.dense)
    return found


def named_speakers(index: VaultIndex, query: Query) -> list[int]:
    """Speakers of the vault whose name, or its first word, stands in the query."""
    said = set(query.words)
    return [number for number, name in enumerate(index.speakers.texts) if name and name.lower().split()[0] in said]


def late_interaction(index: VaultIndex, query: Query, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Σ idf(q) · max over the passage's tokens of q · d, divided by Σ idf(q); 0 without token vectors.

    MaxSim of ColBERT (Khattab & Zaharia 2020, arXiv 2004.12832), each token of the query weighted by how rare
    it is in the vault.
    """
    embedding = query.embedding
    result = np.zeros(len(places), np.float32)
    if embedding is None or embedding.states is None or embedding.state_ids is None or not len(embedding.states):
        return result
    rows = index.layout.passage[places]
    filled = np.flatnonzero(index.states.lengths[rows])
    if not len(filled):
        return result
    packed, starts = index.states.gather(rows[filled])
    best = max_similarities(embedding.states, packed, starts)
    weights = token_weights(index, embedding.state_ids)
    result[filled] = best @ weights / max(float(weights.sum()), 1e-6)
    return result


def token_weights(index: VaultIndex, ids: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Inverse document frequency of the model's tokens, occurrences standing in for passages."""
    total = len(index.layout)
    holding = np.minimum(index.token_counts[ids], total)
    return np.log1p((total - holding + 0.5) / (holding + 0.5)).astype(np.float32)


def fuse(raw: Scores, weights: Mapping[str, float], eligible: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Σ weight · signal, min-max-scaled over the eligible where a signal has no scale of its own.

    A weighted sum of scaled scores was measured against reciprocal rank fusion, which ranks worse than BM25 alone.
    """
    total = np.zeros(len(eligible), np.float32)
    for name, weight in weights.items():
        values = raw.get(name)
        if values is not None and weight:
            total += np.float32(weight) * (values if name in _ABSOLUTE else scaled(values, eligible))
    return total


def scaled(values: NDArray[np.float32], eligible: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values moved to 0..1 over the eligible; zeros where all are the same."""
    seen = values[eligible]
    if not len(seen):
        return np.zeros_like(values)
    low, high = float(seen.min()), float(seen.max())
    return np.zeros_like(values) if high - low < 1e-9 else ((values - low) / (high - low)).astype(np.float32)  # noqa: PLR2004


def _best(places: NDArray[np.int64], scores: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    if len(places) <= most:
        return places
    return np.sort(places[np.argpartition(scores, -most)[-most:]])


def _ranking(
    places: NDArray[np.int64], chosen: Scores, weights: Mapping[str, float], everyone: NDArray[np.bool_]
) -> Ranking:
    fused = fuse(chosen, weights, everyone)
    order = np.argsort(-fused, kind="stable")
    best = sum(weight for weight in weights.values() if weight > 0) or 1.0
    ordered = {name: values[order] for name, values in chosen.items()}
    return Ranking(places[order], np.clip(fused[order] / best, 0, 1).astype(np.float32), ordered, weights)
