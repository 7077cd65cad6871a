"""What can be said of a passage whatever the question: computed once a layout, read by every question.

All are float32 (places,) where nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from recollect.recall.derivation import ASKS, COUNTS, INSTRUCTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recollect.recall.layout import Layout
    from recollect.recall.vault_index import VaultIndex

MILLISECONDS_A_DAY = 86_400_000
EPOCH_DAY = date(1970, 1, 1).toordinal()
K1 = 1.2
B = 0.75
"""The parameters of BM25."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Each place's own properties.

    ``user_role``: 1 for what people said, 0 for answers of an assistant and for tool results: memories are mostly about
    what the user told, although what the assistant said must stay findable.
    ``opens``: 1 for the first passage of a message: what a message is about is said at its beginning.
    ``asks``: 1 where the passage itself is a question: it seldom holds the answer.
    ``instructs``: 1 where it says how things are to be done from now on ("always …", "never …"): what a user lays down
    once is wanted whenever its subject comes up.
    ``counts``: 1 where it holds a number. ``dated``: 1 where it speaks of a date, also a relative one.
    ``length``: natural logarithm of its tokens: longer ones hold more, and cost more.
    ``recency``: its time of utterance, 0 for the oldest, 1 for the newest.
    ``days``: the day (ordinal, UTC) it was said on, int64.
    ``norms``: BM25's ``k1 (1 - b + b · length / mean length)`` of the passage and of its two windows.
    ``openings``: the places that open a user's message, int64, ascending.
    """

    user_role: NDArray[np.float32]
    opens: NDArray[np.float32]
    asks: NDArray[np.float32]
    instructs: NDArray[np.float32]
    counts: NDArray[np.float32]
    dated: NDArray[np.float32]
    length: NDArray[np.float32]
    recency: NDArray[np.float32]
    days: NDArray[np.int64]
    norms: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    openings: NDArray[np.int64]


def standing_of(index: VaultIndex, layout: Layout) -> Standing:
    """The properties of a vault's live passages."""
    passages, messages = index.passages, index.messages
    flags = passages.flags.view[layout.passage]
    user = index.roles.find("user")
    occurred = messages.occurred_ms.view[layout.message]
    is_user = messages.role.view[layout.message] == (-1 if user is None else user)
    opens = passages.piece.view[layout.passage] == 0
    return Standing(
        user_role=_ones(is_user),
        opens=_ones(opens),
        asks=_ones((flags & ASKS) > 0),
        instructs=_ones((flags & INSTRUCTS) > 0),
        counts=_ones((flags & COUNTS) > 0),
        dated=_ones(passages.days.lengths[layout.passage] > 0),
        length=np.log(np.maximum(passages.tokens.view[layout.passage], 1)).astype(np.float32),
        recency=_recency(occurred),
        days=np.asarray(occurred // MILLISECONDS_A_DAY + EPOCH_DAY, np.int64),
        norms=(_norms(layout.lengths), _norms(layout.window_lengths[0]), _norms(layout.window_lengths[1])),
        openings=np.flatnonzero(is_user & opens),
    )


def _norms(lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = max(float(lengths.mean()), 1.0) if len(lengths) else 1.0
    return (K1 * (1 - B + B * lengths / mean)).astype(np.float32)


def _ones(holds: NDArray[np.bool_]) -> NDArray[np.float32]:
    return holds.astype(np.float32)


def _recency(occurred: NDArray[np.int64]) -> NDArray[np.float32]:
    if not len(occurred):
        return np.zeros(0, np.float32)
    first, last = int(occurred.min()), int(occurred.max())
    return ((occurred - first) / max(last - first, 1)).astype(np.float32)
