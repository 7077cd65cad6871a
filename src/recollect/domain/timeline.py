"""The memories of a vault through time, and how claims and edits become them.

The timeline is a function of what is stored: claims in the order in which the vault was told, and edits between them.
So it can be computed anew at any time, and what is still supported comes out the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.folding import Folding
from recollect.domain.memories import ConflictPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from recollect.domain.edits import Edit
    from recollect.domain.ids import MemoryId
    from recollect.domain.memories import Claim, Conflict, Memory


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every version of every memory of a vault, in order of recording, and the conflicts that wait for an answer."""

    memories: tuple[Memory, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def at(self, moment: datetime, *, known_at: datetime | None = None) -> tuple[Memory, ...]:
        """What was so at a moment, by what is known now, or was known at ``known_at``."""
        return tuple(one for one in self.memories if one.is_believed_at(known_at) and one.is_valid_at(moment))

    def believed(self) -> tuple[Memory, ...]:
        """The version of each memory that is believed now, whether it is so now or was so once."""
        return tuple(one for one in self.memories if one.expired_at is None)

    def history(self, memory: MemoryId) -> tuple[Memory, ...]:
        """Every version of one memory, oldest first; empty where there is none of that id."""
        return tuple(one for one in self.memories if one.id == memory)


def fold(
    claims: Iterable[Claim], edits: Iterable[Edit] = (), *, policy: ConflictPolicy = ConflictPolicy.KEEP_BOTH
) -> Timeline:
    """The timeline of these claims and edits. A claim that does not say when it was recorded was when it was stated."""
    folding = Folding(policy)
    events: list[tuple[datetime, int, datetime, Claim | Edit]] = [
        (claim.recorded_at or claim.stated_at, 0, claim.stated_at, claim) for claim in claims
    ]
    events += [(edit.at, 1, edit.at, edit) for edit in edits]
    for at, is_edit, _, event in sorted(events, key=lambda entry: entry[:3]):
        folding.now = at
        if is_edit:
            folding.apply(event)  # type: ignore[arg-type]
        else:
            folding.take(event)  # type: ignore[arg-type]
    return Timeline(*folding.result())
