"""The live passages of a vault in reading order, with their neighbours: what most signals run over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recollect.recall.vault_index import MessageColumns, PassageColumns

NEIGHBOURS = (-2, -1, 1, 2)
WINDOW_TERMS = 80
"""A window takes in a neighbour as long as both together have no more terms than this."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Arrays over n places in reading order.

    ``passage`` and ``message`` are rows of the vault's columns; ``place_of`` maps a passage row back, -1 where
    it is not live. ``session_starts`` are the places where a session begins, ``session`` the ordinal of each
    place's session. ``neighbours[o]`` says where the passage at distance o belongs to the window, ``shares[o]`` the
    same as 1 and 0.
    ``lengths`` are term counts.
    """

    passage: NDArray[np.int64]
    message: NDArray[np.int64]
    place_of: NDArray[np.int64]
    session: NDArray[np.int64]
    session_starts: NDArray[np.int64]
    lengths: NDArray[np.float32]
    window_lengths: tuple[NDArray[np.float32], NDArray[np.float32]]
    neighbours: dict[int, NDArray[np.bool_]]
    shares: dict[int, NDArray[np.float32]]

    def __len__(self) -> int:
        """Places."""
        return len(self.passage)

    def shifted(self, values: NDArray[np.float32], offset: int) -> NDArray[np.float32]:
        """The value at the neighbour ``offset`` places away, 0 where that is outside of the window."""
        moved = np.zeros_like(values)
        self.add_shifted(moved, values, offset)
        return moved

    def add_shifted(self, total: NDArray[np.float32], values: NDArray[np.float32], offset: int) -> None:
        """Add to ``total`` what :meth:`shifted` would be."""
        if abs(offset) < len(self):
            source = slice(offset, None) if offset > 0 else slice(None, offset)
            target = slice(None, -offset) if offset > 0 else slice(-offset, None)
            total[..., target] += values[..., source] * self.shares[offset][target]


def lay_out(messages: MessageColumns, passages: PassageColumns) -> Layout:
    """Sort the live passages and find their neighbours: O(n), since they arrive almost sorted."""
    owner = passages.message.view
    live = np.flatnonzero(passages.is_current.view & messages.is_live.view[owner])
    owners = owner[live]
    key = (messages.session.view[owners].astype(np.int64) << 40) + (messages.depth.view[owners].astype(np.int64) << 16)
    order = np.argsort(key + passages.piece.view[live], kind="stable")
    passage, message = live[order], owners[order].astype(np.int64)
    sessions = messages.session.view[message]
    begins = np.r_[True, sessions[1:] != sessions[:-1]] if len(message) else np.zeros(0, np.bool_)
    place_of = np.full(len(owner), -1, np.int64)
    place_of[passage] = np.arange(len(passage))
    lengths = passages.terms.lengths[passage].astype(np.float32)
    session = np.cumsum(begins) - 1
    neighbours = _neighbours(session, lengths)
    shares = {offset: inside.astype(np.float32) for offset, inside in neighbours.items()}
    layout = Layout(
        passage, message, place_of, session, np.flatnonzero(begins), lengths, (lengths, lengths), neighbours, shares
    )
    near = lengths + layout.shifted(lengths, -1) + layout.shifted(lengths, 1)
    wide = near + layout.shifted(lengths, -2) + layout.shifted(lengths, 2)
    return replace(layout, window_lengths=(near, wide))


def _neighbours(session: NDArray[np.int64], lengths: NDArray[np.float32]) -> dict[int, NDArray[np.bool_]]:
    found = {}
    for offset in NEIGHBOURS:
        inside = np.zeros(len(session), np.bool_)
        distance = abs(offset)
        if distance < len(session):
            is_same = session[distance:] == session[:-distance]
            total = lengths[distance:] + lengths[:-distance]
            is_same &= total <= WINDOW_TERMS
            inside[slice(distance, None) if offset < 0 else slice(None, -distance)] = is_same
        found[offset] = inside
    return found
