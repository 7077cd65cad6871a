"""Durable background work: written in the transaction that makes it necessary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from recollect.domain.ids import SessionNumber

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import JobId, MessageNumber, VaultId

GROWTH_CHARACTERS = 8000
"""A session that grew by as much (2,000 tokens) is extracted at once, without waiting for its end."""


STUCK_AFTER = timedelta(minutes=15)
"""A job that is not done by then is worth an alarm."""


class JobKind(StrEnum):
    """What is to be derived: passages of messages, or claims of a session."""

    INDEX = "index"
    EXTRACT = "extract"


class JobState(StrEnum):
    """A job waits, is leased to one worker, or is dead after its last attempt. Done jobs are removed."""

    WAITING = "waiting"
    LEASED = "leased"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work on one vault. ``attempts`` counts the leases so far, this one included.

    ``numbers`` are those of the messages to be indexed, or the number of the session to be extracted.
    """

    id: JobId
    vault: VaultId
    kind: JobKind
    numbers: tuple[MessageNumber, ...]
    attempts: int
    created_at: datetime
    state: JobState = JobState.WAITING
    last_error: str = ""

    @property
    def session(self) -> SessionNumber | None:
        """The session to be extracted; None where messages are to be indexed."""
        return SessionNumber(self.numbers[0]) if self.kind is JobKind.EXTRACT else None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the derived data is behind the truth. ``oldest_open_at``: since when the oldest job that is not dead is
    known, whether it waits, is leased, or fails again and again."""

    waiting: int
    leased: int
    dead: int
    oldest_waiting_at: datetime | None
    oldest_open_at: datetime | None = None

    def alarm(self, now: datetime) -> str | None:
        """What to tell where a job does not come to its end: it waits, or fails again and again, for too long."""
        since = self.oldest_open_at
        if since is None or now - since < STUCK_AFTER:
            return None
        return (
            f"Background jobs are stuck: the oldest is unfinished since {since:%Y-%m-%d %H:%M} UTC. See whether a"
            " worker runs, and the log for what fails."
        )
