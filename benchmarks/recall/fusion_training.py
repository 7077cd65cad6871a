"""Learns the weights that fuse the signals: a linear model, a few dozen numbers that anyone can read.

For each question the messages that are its evidence are to stand above all others: softmax cross-entropy of each
evidence message against the other candidates (a message counts by its best passage), each question weighing the
same within its set, each set the same. Plain gradient descent (Adam) on numpy.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.ranking import ABSOLUTE, scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from recollect.recall.ranking import Scores

SHARPNESS = 8.0
STEPS = 120
STEP_SIZE = 0.06
DECAY = 1e-3
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One question: its candidates' scaled signals (candidates, signals), their messages, which are evidence."""

    data_set: str
    conversation: str
    category: str
    signals: NDArray[np.float32]
    messages: NDArray[np.int64]
    is_evidence: NDArray[np.bool_]
    evidence_count: int


def signal_matrix(found: Scores, names: Sequence[str]) -> NDArray[np.float32]:
    """Signals side by side, scaled as the engine scales them."""
    return np.stack([found[name] if name in ABSOLUTE else scaled(found[name]) for name in names], axis=1)


def learn(examples: Sequence[Example], bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights, one a signal, each within its bounds (signals, 2)."""
    usable = [one for one in examples if one.is_evidence.any()]
    sizes = Counter(one.data_set for one in usable)
    importance = np.array([1.0 / sizes[one.data_set] for one in usable])
    problem = _Problem(usable, importance / importance.sum())
    weights = np.zeros(usable[0].signals.shape[1])
    momentum, scale = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        gradient = problem.gradient(weights) + DECAY * weights
        momentum = 0.9 * momentum + 0.1 * gradient
        scale = 0.999 * scale + 0.001 * gradient**2
        weights -= STEP_SIZE * (momentum / (1 - 0.9**step)) / (np.sqrt(scale / (1 - 0.999**step)) + 1e-8)
        weights = np.clip(weights, bounds[:, 0], bounds[:, 1])
    return weights


def held_out_scores(examples: Sequence[Example], bounds: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Fused scores of each example by weights learned without its conversation: five folds over conversations."""
    folds = _folds(examples)
    scores: dict[int, NDArray[np.float64]] = {}
    for held in folds:
        inside = [index for index, one in enumerate(examples) if (one.data_set, one.conversation) in held]
        weights = learn([one for one in examples if (one.data_set, one.conversation) not in held], bounds)
        scores.update({index: examples[index].signals @ weights for index in inside})
    return [scores[index] for index in range(len(examples))]


def recall_at(example: Example, scores: NDArray[np.float64], count: int) -> float:
    """Share of the evidence among the first ``count`` messages."""
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(example.messages[order], return_index=True)
    kept = order[np.sort(first)[:count]]
    return float(example.is_evidence[kept].sum() / example.evidence_count)


def means_by(keys: Iterable[str], values: Iterable[float]) -> dict[str, float]:
    """Mean in per cent by key."""
    grouped: dict[str, list[float]] = defaultdict(list)
    for key, value in zip(keys, values, strict=True):
        grouped[key].append(value)
    return {key: round(100 * float(np.mean(group)), 1) for key, group in sorted(grouped.items())}


def _folds(examples: Sequence[Example]) -> list[set[tuple[str, str]]]:
    conversations = sorted({(one.data_set, one.conversation) for one in examples})
    return [set(conversations[fold::_FOLDS]) for fold in range(_FOLDS)]


class _Problem:
    """All questions' candidates in one matrix."""

    def __init__(self, examples: Sequence[Example], importance: NDArray[np.float64]) -> None:
        sizes = np.array([len(one.messages) for one in examples])
        self._starts = np.cumsum(sizes) - sizes
        self._question = np.repeat(np.arange(len(examples)), sizes)
        self._signals = np.concatenate([one.signals for one in examples]).astype(np.float32)
        evidence = np.concatenate([one.is_evidence for one in examples])
        self._is_other = ~evidence
        self._evidence = np.flatnonzero(evidence)
        messages = np.concatenate([one.messages for one in examples])
        self._group = messages[self._evidence] + self._question[self._evidence] * (int(messages.max()) + 1)
        self._importance = importance

    def gradient(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = self._signals @ weights.astype(np.float32) * np.float32(SHARPNESS)
        high = np.maximum.reduceat(scores, self._starts)
        others = np.exp(scores - high[self._question]) * self._is_other
        total = np.add.reduceat(others, self._starts)
        best = self._best_passages(scores)
        question = self._question[best]
        own = np.exp(scores[best] - high[question])
        share = self._importance[question] / np.bincount(question, minlength=len(total))[question]
        slope = np.zeros(len(scores))
        slope[best] = share * (own / (own + total[question]) - 1)
        slope += others * np.bincount(question, share / (own + total[question]), minlength=len(total))[self._question]
        return np.asarray(self._signals.T @ slope.astype(np.float32), np.float64) * SHARPNESS

    def _best_passages(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        order = np.lexsort((-scores[self._evidence], self._group))
        group = self._group[order]
        return np.asarray(self._evidence[order[np.r_[True, group[1:] != group[:-1]]]], np.int64)
