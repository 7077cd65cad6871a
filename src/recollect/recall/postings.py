"""Which passages hold a term, and how often: sorted runs for what is old, a plain scan for what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recollect.recall.columns import Ragged

_LEAST_TAIL = 20_000
_TAIL_SHARE = 4
"""The tail is sorted in when it is larger than a quarter of the whole: appending stays amortised O(log n)."""


class Postings:
    """Term → passages, over a ragged column of term hashes that only grows."""

    def __init__(self, terms: Ragged[np.uint32]) -> None:
        """Take the column; nothing is sorted yet."""
        self._terms = terms
        self._sorted_terms: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._sorted_owners: NDArray[np.int32] = np.empty(0, np.int32)
        self._tail_owners: NDArray[np.int32] = np.empty(0, np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._sorted_terms.nbytes + self._sorted_owners.nbytes + self._tail_owners.nbytes

    def refresh(self) -> None:
        """Take in what was appended to the column."""
        total = len(self._terms.rows)
        tail = total - len(self._sorted_terms)
        owners = np.repeat(np.arange(len(self._terms.lengths), dtype=np.int32), self._terms.lengths)
        if tail > max(_LEAST_TAIL, total // _TAIL_SHARE):
            terms = self._terms.rows.view
            order = np.argsort(terms, kind="stable")
            self._sorted_terms, self._sorted_owners = terms[order], owners[order]
            self._tail_owners = owners[:0]
        else:
            self._tail_owners = owners[len(self._sorted_terms) :]

    def owners(self, variants: Sequence[int]) -> NDArray[np.int32]:
        """Passages holding any of some terms, each as often as it holds them."""
        found = []
        tail = self._terms.rows.view[len(self._sorted_terms) :]
        for term in variants:
            key = np.uint32(term)
            start, end = self._sorted_terms.searchsorted(key), self._sorted_terms.searchsorted(key, "right")
            found.append(self._sorted_owners[start:end])
            if len(tail):
                found.append(self._tail_owners[np.flatnonzero(tail == key)])
        return np.concatenate(found) if found else np.empty(0, np.int32)

    def pairs(self, terms: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Who holds which of many terms (ascending): places in ``terms``, and passages beside them, a pair as often as
        a passage holds the term. All of them in one search."""
        starts = np.searchsorted(self._sorted_terms, terms)
        counts = np.searchsorted(self._sorted_terms, terms, "right") - starts
        which = np.repeat(np.arange(len(terms)), counts)
        rows = np.arange(counts.sum()) + np.repeat(starts - np.cumsum(counts) + counts, counts)
        tail = self._terms.rows.view[len(self._sorted_terms) :]
        at = np.searchsorted(terms, tail)
        held = np.flatnonzero(terms[np.minimum(at, len(terms) - 1)] == tail) if len(terms) else np.empty(0, np.int64)
        return np.concatenate([which, at[held]]), np.concatenate([self._sorted_owners[rows], self._tail_owners[held]])
