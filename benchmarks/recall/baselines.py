"""What others do, on the same messages and the same vectors: BM25, dense vectors, and Mem0's formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall import signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from recollect.recall.query import Query
    from recollect.recall.vault_index import VaultIndex

_SIGMOIDS = ((3, 5.0, 0.7), (6, 7.0, 0.6), (9, 9.0, 0.5), (15, 10.0, 0.5), (10_000, 12.0, 0.5))
"""Midpoint and steepness by the number of query words (mem0 2.x, ``mem0/utils/scoring.py``)."""
_LEAST_SIMILARITY = 0.1
_POOL = 200


@dataclass(frozen=True, slots=True)
class Baseline:
    """A name and how it scores passages: float (places,), below zero for what it does not return."""

    name: str
    score: Callable[[VaultIndex, Query], NDArray[np.float32]]


def bm25(index: VaultIndex, query: Query) -> NDArray[np.float32]:
    """BM25 over passages, stemmed, stop words out, the speaker's name in."""
    frequencies = signals.term_frequencies(index, query)
    return signals.bm25(frequencies, index.standing.norms[0], [count for _, count in query.groups])


def dense(index: VaultIndex, query: Query) -> NDArray[np.float32]:
    """Cosine of mean-pooled vectors: what Chroma-style memories do."""
    if query.embedding is None:
        return np.zeros(len(index.layout), np.float32)
    return signals.dense_similarities(index, query.embedding.dense)


def mem0(index: VaultIndex, query: Query) -> NDArray[np.float32]:
    """Mem0 2.x with ``infer=False``: the nearest by cosine only, lifted by a sigmoid of BM25; no entities."""
    similarity = dense(index, query)
    midpoint, steepness = next(rest for most, *rest in _SIGMOIDS if len(query.groups) <= most)
    words = bm25(index, query)
    lift = np.where(words > 0, 1 / (1 + np.exp(-steepness * (words - midpoint))), 0)
    pool = np.argsort(-similarity)[:_POOL]
    scores = np.full(len(similarity), -1, np.float32)
    scores[pool] = similarity[pool] + lift[pool]
    scores[similarity < _LEAST_SIMILARITY] = -1
    return scores


BASELINES = (Baseline("BM25", bm25), Baseline("dense vectors", dense), Baseline("Mem0 formula", mem0))
