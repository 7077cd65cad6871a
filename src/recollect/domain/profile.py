"""The profile: the few lines about a person that every session may begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recollect.domain.ids import MessageNumber


@dataclass(frozen=True, slots=True)
class Profile:
    """``lines`` like ``home: Lisbon``, the most lasting first; ``sources`` are the messages that say so."""

    lines: tuple[str, ...] = ()
    sources: tuple[MessageNumber, ...] = ()
