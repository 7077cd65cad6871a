"""How what is known stands at a moment: is it so, was it, will it be."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.memories import Memory


class Standing(StrEnum):
    """How something stands at a moment. Of a version that is not believed, its ``expiry`` says why."""

    CURRENT = "current"
    UPCOMING = "upcoming"
    PAST = "past"
    EXPIRED = "expired"
    """Somebody set an ``expires_at``, which is over."""


class Wanted(StrEnum):
    """Which of them, by how they stand."""

    CURRENT = "current"
    UPCOMING = "upcoming"
    PAST = "past"
    """Expired ones, too."""
    OPEN = "open"
    """What is so, and what will be."""
    ALL = "all"


def standing(valid_from: datetime | None, valid_to: datetime | None, at: datetime) -> Standing:
    """How what is valid in this time stands at a moment."""
    if valid_to is not None and valid_to <= at:
        return Standing.PAST
    return Standing.UPCOMING if valid_from is not None and at < valid_from else Standing.CURRENT


def standing_of(memory: Memory, at: datetime) -> Standing:
    """How a memory stands, whether this version of it is believed or not."""
    if memory.expires_at is not None and memory.expires_at <= at:
        return Standing.EXPIRED
    return standing(memory.valid_from, memory.valid_to, at)


def is_wanted(standing: Standing, wanted: Wanted) -> bool:
    """Whether it is among those that are meant."""
    match wanted:
        case Wanted.ALL:
            return True
        case Wanted.OPEN:
            return standing in {Standing.CURRENT, Standing.UPCOMING}
        case Wanted.PAST:
            return standing in {Standing.PAST, Standing.EXPIRED}
    return standing == wanted.value
