"""Two chats of one user at once, of which neither says its name.

A lone message may be the newest one of a client that sends no history, or the first one of another chat; it
joins the session of the moment either way. If it was the latter, the first chat goes on with a history that does
not hold it. That is no edit, and must not abandon what the other chat said.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from recollect.domain.capture import After, AtHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.alignment import Alignment
    from recollect.domain.ids import Fingerprint, SessionName, VaultId
    from recollect.domain.vaults import BranchEntry

REMEMBERED_MESSAGES = 10_000


class Interleaving:
    """Remembers, for a while, which messages were appended to a session without answering what stands before them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._appended: OrderedDict[tuple[VaultId, SessionName, Fingerprint], None] = OrderedDict()

    def note(self, vault: VaultId, session: SessionName, message: Fingerprint) -> None:
        """Remember a message that is appended to the session without answering what stands before it."""
        key = (vault, session, message)
        self._appended[key] = None
        self._appended.move_to_end(key)
        while len(self._appended) > REMEMBERED_MESSAGES:
            self._appended.popitem(last=False)

    def settle(
        self, vault: VaultId, session: SessionName, alignment: Alignment, branch: Sequence[BranchEntry]
    ) -> Alignment:
        """The alignment, moved to the head where the branch goes on with another chat's message, not an edited one."""
        follower = _follower(alignment, branch)
        if follower is None or (vault, session, follower) not in self._appended:
            return alignment
        return replace(alignment, anchor=AtHead())


def _follower(alignment: Alignment, branch: Sequence[BranchEntry]) -> Fingerprint | None:
    """What stands behind the run that was found; None where it ends the branch."""
    if not isinstance(alignment.anchor, After) or alignment.reaches_head:
        return None
    return next(
        (after.fingerprint for entry, after in pairwise(branch) if entry.id == alignment.anchor.message),
        None,
    )
