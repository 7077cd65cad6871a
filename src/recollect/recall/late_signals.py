"""Signals that are computed for the candidates only: late interaction and what is built on it.

All take candidate places (ascending) and return float32 (candidates,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.packed_states import max_similarities
from recollect.recall.vault_index import DENSE_UNIT, ZERO_BYTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recollect.embedders.base import Embedding
    from recollect.recall.vault_index import VaultIndex

FROM_BEFORE = 0.85
FROM_BEHIND = 0.75
"""What a match in the passage before or behind is worth to a passage in the windowed MaxSim."""
FEEDBACK_PASSAGES = 5
_EARLIER_OPENINGS = 3


@dataclass(frozen=True, slots=True)
class TokenMatches:
    """``best``: for each candidate and query token the best similarity, float32 (candidates, tokens).

    ``weights`` say how rare each token is in the vault.
    """

    places: NDArray[np.int64]
    best: NDArray[np.float32]
    weights: NDArray[np.float32]

    def weighed(self, matches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Σ weight · match / Σ weight."""
        return np.asarray(matches @ self.weights / max(float(self.weights.sum()), 1e-6), np.float32)


def match_tokens(index: VaultIndex, embedding: Embedding, places: NDArray[np.int64]) -> TokenMatches:
    """MaxSim's maxima (Khattab & Zaharia 2020, arXiv 2004.12832); 0 for passages without token states."""
    states, ids = embedding.states, embedding.state_ids
    if states is None or ids is None or not len(states):
        return TokenMatches(places, np.zeros((len(places), 0), np.float32), np.zeros(0, np.float32))
    best = np.zeros((len(places), len(states)), np.float32)
    rows = index.layout.passage[places]
    filled = np.flatnonzero(index.states.lengths[rows])
    if len(filled):
        packed, starts = index.states.gather(rows[filled])
        best[filled] = max_similarities(states, packed, starts)
    return TokenMatches(places, best, token_weights(index, ids))


def token_weights(index: VaultIndex, ids: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Inverse document frequency of the model's tokens, occurrences standing in for passages."""
    total = len(index.layout)
    holding = np.minimum(index.token_counts[ids], total)
    return np.asarray(np.log1p((total - holding + 0.5) / (holding + 0.5)), np.float32)


def windowed(index: VaultIndex, matches: TokenMatches) -> NDArray[np.float32]:
    """MaxSim where each query token may also match the passage before (at 0.85) or behind (at 0.75)."""
    best = np.maximum(matches.best, FROM_BEFORE * _neighbours(index, matches.places, matches.best, -1))
    best = np.maximum(best, FROM_BEHIND * _neighbours(index, matches.places, matches.best, 1))
    return matches.weighed(best)


def answering_late(index: VaultIndex, places: NDArray[np.int64], late: NDArray[np.float32]) -> NDArray[np.float32]:
    """The late interaction of the passage before, where that is a question: its answer follows it."""
    return _neighbours(index, places, late * index.standing.asks[places], -1)


def feedback(vectors: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of the candidates' vectors with the mean of the five best: a second round that also finds what the
    question does not name (Rocchio 1971)."""
    best = np.argsort(-scores, kind="stable")[:FEEDBACK_PASSAGES]
    mean = vectors[best].mean(axis=0)
    return np.asarray(vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-6)), np.float32)


def novelty(index: VaultIndex, places: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 - the largest cosine of a user's message with the three before it that open a user's message in the
    session: high where a new subject begins; 1 for everything that is not such an opening. ``vectors`` are those of the
    places."""
    session = index.layout.session
    openings = index.standing.openings
    result = np.ones(len(places), np.float32)
    if not len(openings):
        return result
    order = np.searchsorted(openings, places)
    known = np.flatnonzero(openings[np.minimum(order, len(openings) - 1)] == places)
    order = order[known]
    own, home = vectors[known], session[places[known]]
    nearest = np.zeros(len(known), np.float32)
    for distance in range(1, _EARLIER_OPENINGS + 1):
        earlier = openings[np.maximum(order - distance, 0)]
        cosine = np.einsum("ij,ij->i", own, vectors_of(index, earlier))
        is_near = (order >= distance) & (session[earlier] == home)
        np.maximum(nearest, cosine, out=nearest, where=is_near)
    result[known] = 1 - nearest
    return result


def vectors_of(index: VaultIndex, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """The dense vectors of some places: float32 (places, dimension)."""
    vectors = index.dense.view.take(index.layout.passage[places], axis=0).astype(np.float32)
    vectors -= np.float32(ZERO_BYTE)
    vectors /= DENSE_UNIT
    return vectors


def _neighbours(
    index: VaultIndex, places: NDArray[np.int64], values: NDArray[np.float32], offset: int
) -> NDArray[np.float32]:
    """The value of the candidate ``offset`` places away, 0 where that is no candidate or outside of the window."""
    wanted = places + offset
    at = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    found = (places[at] == wanted) & index.layout.neighbours[offset][places]
    return np.asarray(np.where(found if values.ndim == 1 else found[:, None], values[at], 0), np.float32)
