"""Who holds a term: in what is sorted, and in what is new."""

from __future__ import annotations

import numpy as np
import pytest

from recollect.recall import postings as module
from recollect.recall.columns import Ragged
from recollect.recall.postings import Postings

ROWS = 400
VOCABULARY = 90


@pytest.fixture
def postings(monkeypatch: pytest.MonkeyPatch) -> Postings:
    """Most of it sorted, some of it not."""
    monkeypatch.setattr(module, "_LEAST_TAIL", 50)
    terms: Ragged[np.uint32] = Ragged(np.uint32)
    made = Postings(terms)
    numbers = np.random.default_rng(7)
    for count in (ROWS, 9):
        for _ in range(count):
            terms.extend(numbers.integers(0, VOCABULARY, 6).astype(np.uint32), np.array([6]))
        made.refresh()
    return made


@pytest.mark.parametrize("step", [1, 7, VOCABULARY])
def test_many_terms_at_once_are_as_one_by_one(postings: Postings, step: int) -> None:
    wanted = np.arange(0, VOCABULARY + 20, step).astype(np.uint32)
    which, passages = postings.pairs(wanted)
    for place, term in enumerate(wanted):
        assert sorted(passages[which == place]) == sorted(postings.owners((int(term),)))


def test_no_terms_have_no_holders(postings: Postings) -> None:
    which, passages = postings.pairs(np.empty(0, np.uint32))
    assert len(which) == len(passages) == 0
