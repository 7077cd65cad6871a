"""What people do to memories. Edits are kept, and are folded in with the claims: deriving anew does not undo them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import ConflictId, MemoryId, MessageNumber
    from recollect.domain.memories import Claim


class EditKind(StrEnum):
    """What was done."""

    ADD = "add"
    EDIT = "edit"
    PIN = "pin"
    UNPIN = "unpin"
    EXPIRE = "expire"
    FEEDBACK = "feedback"
    DELETE = "delete"
    RESOLVE = "resolve"


class Feedback(StrEnum):
    """What somebody thinks of a memory."""

    USEFUL = "useful"
    WRONG = "wrong"
    OUTDATED = "outdated"
    NEVER_USE = "never_use"


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that was done, at ``at``, to ``memory`` (none where one is added, or both of a conflict are kept).

    ``claim`` is what an added or edited memory says from then on: its evidence quotes messages, and the edit goes with
    any of them. ``told`` is the message that was captured for it, where somebody said it in their own words.
    ``expires_at`` belongs to ``expire`` (None: never), ``feedback`` to ``feedback``, ``conflict`` to ``resolve``, whose
    ``memory`` is the one that is right.
    """

    kind: EditKind
    at: datetime
    memory: MemoryId | None = None
    claim: Claim | None = None
    expires_at: datetime | None = None
    feedback: Feedback | None = None
    conflict: ConflictId | None = None
    told: MessageNumber | None = None
