"""One bit a dimension is enough to compare tokens."""

from __future__ import annotations

import numpy as np

from recollect.recall.packed_states import max_similarities, pack_states


def naive(query: np.ndarray, states: np.ndarray, starts: np.ndarray) -> np.ndarray:
    similarity = (np.where(states > 0, 1.0, -1.0) @ query.T) / np.sqrt(query.shape[1])
    return np.stack([part.max(axis=0) for part in np.split(similarity, starts[1:])])


def test_the_packed_maximum_is_that_of_the_signs():
    random = np.random.default_rng(7)
    states = random.standard_normal((3000, 384)).astype(np.float32)
    query = random.standard_normal((9, 384)).astype(np.float32)
    starts = np.array([0, 5, 1500, 2999])
    found = max_similarities(query, pack_states(states), starts)
    np.testing.assert_allclose(found, naive(query, states, starts), atol=1e-3)


def test_a_dimension_that_fills_no_byte_is_padded():
    random = np.random.default_rng(8)
    states = random.standard_normal((10, 50)).astype(np.float32)
    query = random.standard_normal((2, 50)).astype(np.float32)
    starts = np.array([0, 4])
    np.testing.assert_allclose(
        max_similarities(query, pack_states(states), starts), naive(query, states, starts), atol=1e-4
    )


def test_the_same_token_is_the_most_similar():
    random = np.random.default_rng(9)
    states = random.standard_normal((20, 384)).astype(np.float32)
    query = states[[13]] / np.linalg.norm(states[13])
    found = max_similarities(query, pack_states(states), np.arange(20))
    assert int(found[:, 0].argmax()) == 13
    assert found[13, 0] > 0.7
