"""Where a request's history stands in a session's live branch.

Clients send their whole history, a sliding window of it, or only the newest message. The same function
serves all three: it looks for the longest run of the incoming messages that stands, contiguously, on the
live branch. What follows the run is new; where the branch goes on differently behind it, the new messages
are a branch of their own (an edit, or a regenerated answer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.capture import After, Anchor, AtHead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recollect.domain.ids import Fingerprint
    from recollect.domain.vaults import BranchEntry

TRUSTED_RUN = 2
"""A run this long is no coincidence wherever it stands; a shorter one must touch an end of the branch."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """``known`` incoming messages (counted from the first) need not be stored; the others follow ``anchor``.

    ``matched`` is the length of the run that was found: 0 means that the history is not this session's.
    """

    anchor: Anchor
    known: int
    matched: int
    reaches_head: bool = False
    """The run ends where the branch ends: the request goes on, it does not edit."""


def align(incoming: Sequence[Fingerprint], branch: Sequence[BranchEntry]) -> Alignment:
    """Align a request's conversation messages, oldest first, with a session's live branch.

    O(len(incoming) + len(branch)) where texts differ, and bounded by their product in the worst case of
    one text repeated everywhere.
    """
    if not branch or not incoming:
        return Alignment(AtHead(), known=0, matched=0)
    if len(incoming) == 1:
        return _align_single(incoming[0], branch)
    best = max(_runs(incoming, branch), default=None)
    if best is None:
        return Alignment(AtHead(), known=0, matched=0)
    length, end, start = best
    touches_an_end = end == len(branch) or end == length
    if length < TRUSTED_RUN and not touches_an_end:
        return Alignment(AtHead(), known=0, matched=0)
    return Alignment(After(branch[end - 1].id), known=start + length, matched=length, reaches_head=end == len(branch))


def _align_single(incoming: Fingerprint, branch: Sequence[BranchEntry]) -> Alignment:
    """A lone message is new, unless it is the newest one again (a retry) or the first turn, asked anew."""
    if branch[-1].fingerprint == incoming:
        return Alignment(After(branch[-1].id), known=1, matched=1, reaches_head=True)
    if len(branch) == TRUSTED_RUN and branch[0].fingerprint == incoming and branch[1].role == "assistant":
        return Alignment(After(branch[0].id), known=1, matched=1)
    return Alignment(AtHead(), known=0, matched=0)


def _runs(incoming: Sequence[Fingerprint], branch: Sequence[BranchEntry]) -> Iterator[tuple[int, int, int]]:
    """Maximal common runs as (length, end on the branch, start in the incoming messages)."""
    places: dict[Fingerprint, list[int]] = {}
    for position, entry in enumerate(branch):
        places.setdefault(entry.fingerprint, []).append(position)
    for start, mark in enumerate(incoming):
        for position in places.get(mark, ()):
            if start and position and incoming[start - 1] == branch[position - 1].fingerprint:
                continue  # inside a run that was counted from its beginning
            length = 1
            while (
                start + length < len(incoming)
                and position + length < len(branch)
                and incoming[start + length] == branch[position + length].fingerprint
            ):
                length += 1
            yield length, position + length, start
