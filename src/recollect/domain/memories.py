"""Memories: what is true of somebody, since when and until when, and where it was said.

An extractor makes claims of messages. Claims are folded into memories, whose versions are never changed, only expired:
``valid_from``/``valid_to`` say when something was so, ``recorded_at``/``expired_at`` when it was believed here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.domain.ids import MessageNumber


class Attribute(StrEnum):
    """What a claim is about."""

    NAME = "name"
    BIRTHDAY = "birthday"
    ORIGIN = "origin"
    HOME = "home"
    EMPLOYER = "employer"
    OCCUPATION = "occupation"
    FAMILY = "family"
    PET = "pet"
    ALLERGY = "allergy"
    DIET = "diet"
    LIKES = "likes"
    DISLIKES = "dislikes"
    HABIT = "habit"
    PLAN = "plan"
    NOTE = "note"

    @property
    def holds_one_value(self) -> bool:
        """A new value ends the one before it."""
        return self in {Attribute.HOME, Attribute.EMPLOYER, Attribute.OCCUPATION}

    @property
    def is_timeless(self) -> bool:
        """Another value is no change but a contradiction, to be settled by policy."""
        return self in {Attribute.NAME, Attribute.BIRTHDAY}


class Change(StrEnum):
    """What a claim does to what was believed of its subject and attribute."""

    STATES = "states"
    CORRECTS = "corrects"
    """What was believed was never so."""
    ENDS = "ends"
    """The value was so, and is so no longer."""


class ConflictPolicy(StrEnum):
    """What becomes of contradicting values of a timeless attribute."""

    KEEP_BOTH = "keep_both"
    LATEST_WINS = "latest_wins"
    ASK = "ask"


class Expiry(StrEnum):
    """Why a version is no longer believed."""

    SUPERSEDED = "superseded"
    CORRECTED = "corrected"
    REFINED = "refined"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where something was said: ``quote`` stands at ``start``…``end`` (characters) of the message's text."""

    message: MessageNumber
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What one message says of a subject: the speaker ("user" where it has no name), or somebody of theirs.

    ``denied`` is the value that a correction names as wrong ("Hanna, not Anna"). ``is_quotation``: the text is shaped
    like an instruction, and is kept as something that was said, never as a fact.
    """

    subject: str
    attribute: Attribute
    value: str
    evidence: tuple[Evidence, ...]
    stated_at: datetime
    change: Change = Change.STATES
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    denied: str | None = None
    is_quotation: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """One version of one memory; ``memory`` numbers the memory within its vault, ``version`` counts from 1.

    Without ``valid_from`` it was so for an unknown time before it was said; without ``valid_to`` it is so still.
    """

    memory: int
    version: int
    subject: str
    attribute: Attribute
    value: str
    evidence: tuple[Evidence, ...]
    recorded_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expired_at: datetime | None = None
    expiry: Expiry | None = None
    is_quotation: bool = False

    def is_believed_at(self, moment: datetime | None) -> bool:
        """Whether this version is what was believed then; None: what is believed now."""
        if moment is None:
            return self.expired_at is None
        return self.recorded_at <= moment and (self.expired_at is None or moment < self.expired_at)

    def is_valid_at(self, moment: datetime) -> bool:
        """It was so then."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two memories (by number) that contradict each other, to be settled by asking."""

    subject: str
    attribute: Attribute
    memories: tuple[int, int]
    values: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something that messages name; ``mentions`` are the messages, in order."""

    name: str
    mentions: tuple[MessageNumber, ...]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CoOccurrence:
    """Two entities (by name, in alphabetical order) that are named in the same messages."""

    first: str
    second: str
    messages: tuple[MessageNumber, ...]


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The sentences that say most about a session, verbatim, in the order in which they were said."""

    sentences: tuple[Evidence, ...]

    @property
    def text(self) -> str:
        """One sentence a line."""
        return "\n".join(sentence.quote for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor found in some messages. ``dropped`` counts, by reason, what it did not dare to keep."""

    claims: tuple[Claim, ...] = ()
    entities: tuple[Entity, ...] = ()
    co_occurrences: tuple[CoOccurrence, ...] = ()
    summary: SessionSummary | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
