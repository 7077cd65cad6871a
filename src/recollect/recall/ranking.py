"""From a question and a vault to scores: signals, their normalisation, their weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall import late_signals, signals
from recollect.recall.names import named_speakers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from recollect.recall.plans import Plan
    from recollect.recall.query import Query
    from recollect.recall.vault_index import VaultIndex

Scores = dict[str, "NDArray[np.float32]"]

ABSOLUTE = frozenset(
    {
        "speaker",
        "other_speaker",
        "date",
        "asks",
        "user_role",
        "recency",
        "instructs",
        "dated",
        "when_dated",
        "counted",
        "opens",
        "user_opens",
    }
)
"""Signals that are used as they are; the others are scaled to 0..1 among the candidates of the query."""
_LEAST_SPREAD = 1e-5
"""Below it, values differ by their rounding alone."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """``places`` of the layout, best first, with their fused ``scores`` and raw ``signals`` in the same order.

    ``frequencies`` say how often each word of the query stands in each place of the layout: (groups, places).
    """

    places: NDArray[np.int64]
    scores: NDArray[np.float32]
    signals: Scores
    frequencies: NDArray[np.float32]


def rank(index: VaultIndex, query: Query, plan: Plan, eligible: NDArray[np.bool_]) -> Ranking:
    """Rank the eligible places of a vault. Pure, no loop over passages."""
    frequencies = signals.term_frequencies(index, query)
    places, found, weights = candidates(index, query, plan, eligible, frequencies)
    fused = fuse(found, weights)
    order = np.argsort(-fused, kind="stable")
    best = sum(weight for weight in weights.values() if weight > 0) or 1.0
    ordered = dict(zip(found, np.stack(list(found.values()))[:, order], strict=True))
    return Ranking(places[order], np.clip(fused[order] / best, 0, 1).astype(np.float32), ordered, frequencies)


def candidates(
    index: VaultIndex, query: Query, plan: Plan, eligible: NDArray[np.bool_], frequencies: NDArray[np.float32]
) -> tuple[NDArray[np.int64], Scores, Mapping[str, float]]:
    """The places that are worth a closer look, in reading order, their signals, and the weights that fuse them."""
    places = np.flatnonzero(eligible)
    here = wide_signals(index, query, frequencies)
    has_vectors = "dense" in here
    weights = plan.dense_weights if has_vectors else plan.lexical_weights
    if len(places) < len(eligible):
        here = {name: values[places] for name, values in here.items()}
    fused = fuse(here, weights)
    here["session"] = _session(index, places, fused)
    embedding = query.embedding
    if not has_vectors or not plan.late_candidates or embedding is None or embedding.states is None:
        return places, here, weights
    if len(places) > plan.late_candidates:
        fused += fuse({"session": here["session"]}, weights)
        best = np.sort(np.argpartition(fused, -plan.late_candidates)[-plan.late_candidates :])
        places, here = places[best], {name: values[best] for name, values in here.items()}
    return places, here | closer_signals(index, query, places, here, plan), plan.late_weights


def wide_signals(index: VaultIndex, query: Query, frequencies: NDArray[np.float32]) -> Scores:
    """The signals that are cheap enough for every place."""
    layout = index.layout
    counts = [count for _, count in query.groups]
    near, wide = signals.window_frequencies(frequencies, layout)
    standing = index.standing
    lexical = signals.bm25(frequencies, standing.norms[0], counts)
    speaker = signals.spoken_by(index, named_speakers(index, query))
    found: Scores = {
        "lexical": lexical,
        "near_window": signals.bm25(near, standing.norms[1], counts),
        "wide_window": signals.bm25(wide, standing.norms[2], counts),
        "answers": signals.answering(index, lexical),
        "speaker": speaker,
        "other_speaker": (1 - speaker) * np.float32(speaker.any()),
        "date": signals.date_matches(index, query.windows, query.yearly),
        "asks": standing.asks,
        "instructs": standing.instructs,
        "user_role": standing.user_role,
        "opens": standing.opens,
        "user_opens": standing.user_role * standing.opens,
        "dated": standing.dated,
        "when_dated": standing.dated * np.float32(query.asks_when),
        "counted": standing.counts * np.float32(query.asks_how_many),
        "length": standing.length,
        "recency": standing.recency,
    }
    if query.embedding is not None and index.has_vectors:
        dense = signals.dense_similarities(index, query.embedding.dense)
        found["dense"] = _filled(dense, lexical, index.passages.has_vectors.view[layout.passage])
        found["dense_before"] = layout.shifted(found["dense"], -1)
        found["dense_behind"] = layout.shifted(found["dense"], 1)
    return found


def closer_signals(index: VaultIndex, query: Query, places: NDArray[np.int64], here: Scores, plan: Plan) -> Scores:
    """Late interaction over the candidates, and the signals built on it."""
    if query.embedding is None or not len(places):
        return {}
    matches = late_signals.match_tokens(index, query.embedding, places)
    has_states = np.asarray(matches.best.any(axis=1), np.bool_)
    vectors = late_signals.vectors_of(index, places)
    late = _filled(matches.weighed(matches.best), here["lexical"], has_states)
    found: Scores = {
        "late": late,
        "late_window": _filled(late_signals.windowed(index, matches), here["near_window"], has_states),
        "answers_late": late_signals.answering_late(index, places, late),
        "late_session": _session(index, places, late),
        "novelty": late_signals.novelty(index, places, vectors),
    }
    found["feedback"] = late_signals.feedback(vectors, fuse(here | found, plan.late_weights))
    return found


def fuse(found: Scores, weights: Mapping[str, float]) -> NDArray[np.float32]:
    """Σ weight · signal, each min-max-scaled where it has no scale of its own.

    A weighted sum of scaled scores was measured against reciprocal rank fusion, which ranks worse than BM25 alone.
    """
    length = len(next(iter(found.values()), ()))
    total = np.zeros(length, np.float32)
    for name, weight in weights.items():
        values = found.get(name)
        if values is None or not weight:
            continue
        if name in ABSOLUTE:
            total += np.float32(weight) * values
        elif (stretch := _stretch(values)) is not None:
            low, width = stretch
            total += values * np.float32(weight / width)
            total -= np.float32(weight * low / width)
    return total


def scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values moved to 0..1; zeros where all are the same."""
    stretch = _stretch(values)
    if stretch is None:
        return np.zeros_like(values)
    low, width = stretch
    return np.asarray((values - low) / width, np.float32)


def _stretch(values: NDArray[np.float32]) -> tuple[float, float] | None:
    """The lowest value, and how far the highest is from it; None where all are the same."""
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    return None if high - low < _LEAST_SPREAD else (low, high - low)


def _filled(
    values: NDArray[np.float32], stand_in: NDArray[np.float32], is_known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """A signal of the vectors, guessed from one of the words for passages whose vectors are not there yet."""
    if is_known.all() or not is_known.any():
        return values
    low, high = float(values[is_known].min()), float(values[is_known].max())
    return np.asarray(np.where(is_known, values, low + (high - low) * scaled(stand_in)), np.float32)


def _session(index: VaultIndex, places: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return signals.session_scores(scores, index.layout.session[places])
