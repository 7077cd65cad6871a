"""What speaks for a passage: one small pure function a signal, over the places of a layout.

All return float32 (places,), higher is better. Formulas and their measured worth are in
``docs/explanation``; sources are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.byte_products import ByteProducts
from recollect.recall.standing import EPOCH_DAY, K1
from recollect.recall.vault_index import DENSE_UNIT, ZERO_BYTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recollect.recall.dates import DayWindow, YearlyDay
    from recollect.recall.layout import Layout
    from recollect.recall.query import Query
    from recollect.recall.vault_index import VaultIndex

SPAN_SLACK_DAYS = 10
"""People tell of a month's end in the next month's first days."""
DAY_SLACK_DAYS = 7
_BLOCK_ROWS = 2048
"""Multiplied at once, so that the products stay in the processor's cache. Measured for 10,000 rows: 0.2 ms, and 0.8
where the rows come from memory; 0.6 and 1.1 by turning them into float32."""


def term_frequencies(index: VaultIndex, query: Query) -> NDArray[np.float32]:
    """How often each word of the query stands in each passage: (groups, places)."""
    layout = index.layout
    counts = np.empty((len(query.groups), len(layout)), np.float32)
    for row, (variants, _) in enumerate(query.groups):
        places = layout.place_of[index.postings.owners(variants)]
        counts[row] = np.bincount(places[places >= 0], minlength=len(layout))
    return counts


def inverse_document_frequencies(frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    """ln(1 + (N - n + 0.5) / (n + 0.5)), n of N passages having the word (Robertson & Zaragoza 2009)."""
    total = frequencies.shape[1]
    # One after the other: counting along an axis takes three times as long.
    holding = np.array([np.count_nonzero(row) for row in frequencies > 0])
    return np.asarray(np.log1p((total - holding + 0.5) / (holding + 0.5)), np.float32)


def bm25(frequencies: NDArray[np.float32], norms: NDArray[np.float32], counts: Sequence[int]) -> NDArray[np.float32]:
    """Σ qtf · idf · tf (k1 + 1) / (tf + norm).

    Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
    """
    if not frequencies.size:
        return np.zeros(frequencies.shape[1], np.float32)
    weights = inverse_document_frequencies(frequencies) * np.array(counts, np.float32) * np.float32(K1 + 1)
    shares = frequencies + norms
    np.divide(frequencies, shares, out=shares)
    return np.asarray(weights @ shares, np.float32)


def window_frequencies(
    frequencies: NDArray[np.float32], layout: Layout
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Term frequencies of each passage together with its neighbours one, and up to two places away, as far as the
    token-bounded window goes: an answer is found by the words of its question."""
    near = frequencies.copy()
    layout.add_shifted(near, frequencies, -1)
    layout.add_shifted(near, frequencies, 1)
    wide = near.copy()
    layout.add_shifted(wide, frequencies, -2)
    layout.add_shifted(wide, frequencies, 2)
    return near, wide


def frequencies_around(
    frequencies: NDArray[np.float32], layout: Layout, places: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The wider window's term frequencies of some places: (groups, places)."""
    total = frequencies[:, places]
    for offset, is_inside in layout.neighbours.items():
        total = total + frequencies[:, (places + offset) % len(layout)] * is_inside[places]
    return total


def dense_similarities(index: VaultIndex, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of the query's vector with each passage's (stored as int8); 0 without a vector."""
    rows = index.dense.view
    products = ByteProducts(vector[None])
    scores = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        scores[start : start + len(block)] = products.of(block)[:, 0]
    scores -= np.float32(ZERO_BYTE) * vector.sum()
    scores /= DENSE_UNIT
    return scores[index.layout.passage]


def session_scores(scores: NDArray[np.float32], sessions: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean of the three best scores of each place's session: what a session is about lifts its passages.

    ``sessions``: the session of each, ascending.
    """
    if not len(scores):
        return scores
    begins = np.empty(len(sessions), np.bool_)
    begins[0] = True
    np.not_equal(sessions[1:], sessions[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(scores))
    rest = scores.copy()
    total = np.zeros(len(starts), np.float32)
    count = np.zeros_like(total)
    for _ in range(3):
        best = np.maximum.reduceat(rest, starts)
        is_there = np.isfinite(best)
        total += np.where(is_there, best, 0)
        count += is_there
        rest[rest == np.repeat(best, lengths)] = -np.inf
    return np.repeat(total / np.maximum(count, 1), lengths)


def spoken_by(index: VaultIndex, speakers: Sequence[int]) -> NDArray[np.float32]:
    """1 where the passage was said by one of some speakers."""
    layout = index.layout
    if not speakers:
        return np.zeros(len(layout), np.float32)
    return np.asarray(np.isin(index.messages.speaker.view[layout.message], list(speakers)), np.float32)


def answering(index: VaultIndex, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The score of the passage before, where that is a question: its answer follows it."""
    return index.layout.shifted(scores * index.standing.asks, -1)


def date_matches(index: VaultIndex, windows: Sequence[DayWindow], yearly: Sequence[YearlyDay]) -> NDArray[np.float32]:
    """1 where the passage was said in one of the query's days or shortly after, or speaks of one of them."""
    days = index.standing.days
    result = np.zeros(len(days), np.bool_)
    for window in windows:
        slack = DAY_SLACK_DAYS if window.first == window.last else SPAN_SLACK_DAYS
        result |= (days >= window.first) & (days <= window.last + slack)
        result |= _mentions(index, window)
    said = days.astype("datetime64[D]") - np.timedelta64(EPOCH_DAY, "D") if yearly else days
    for one in yearly:
        month = said.astype("datetime64[M]").astype(np.int64) % 12 + 1
        day = (said - said.astype("datetime64[M]")).astype(np.int64) + 1
        result |= (month == one.month) & ((one.day == 0) | (np.abs(day - one.day) <= 1))
    return result.astype(np.float32)


def _mentions(index: VaultIndex, window: DayWindow) -> NDArray[np.bool_]:
    """Whether a passage speaks of days that overlap the window (spans of over a month are too vague)."""
    days = index.passages.days
    rows = days.rows.view
    hit = (rows[:, 0] <= window.last) & (rows[:, 1] >= window.first) & (rows[:, 1] - rows[:, 0] <= 31)  # noqa: PLR2004
    owners = np.repeat(np.arange(len(days.lengths)), days.lengths)[hit]
    found = np.zeros(len(days.lengths), np.bool_)
    found[owners] = True
    return np.asarray(found[index.layout.passage], np.bool_)
