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

    from recollect.domain.ids import ConflictId, MemoryId, MessageNumber


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
    EDUCATION = "education"
    HEALTH = "health"
    GOAL = "goal"
    EVENT = "event"
    FACT = "fact"
    """Anything else; its value is a whole sentence, as an event's is."""

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


SENTENCES = frozenset({Attribute.NOTE, Attribute.EVENT, Attribute.FACT})
"""Attributes whose values say all there is to say."""
USER = "user"
"""The subject of claims whose speaker has no name."""


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
    EDITED = "edited"
    """Somebody edited it: the next version holds their words."""
    DISOWNED = "disowned"
    """Somebody said that it is wrong."""


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
    like an instruction, and is kept as something that was said, never as a fact. ``category`` is one of the project's
    own, "" where it has none. ``recorded_at`` is when the newest message of the evidence was captured: whoever stores
    claims sets it.
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
    category: str = ""
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """One version of one memory; ``version`` counts from 1.

    Without ``valid_from`` it was so for an unknown time before it was said; without ``valid_to`` it is so still.
    ``stated_at`` is when it was last said. ``expires_at`` was set by somebody: behind it, it is not recalled.
    ``useful`` counts who said so. ``is_withheld``: somebody asked never to use it; it is listed, and not recalled.
    """

    id: MemoryId
    version: int
    subject: str
    attribute: Attribute
    value: str
    evidence: tuple[Evidence, ...]
    recorded_at: datetime
    stated_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expired_at: datetime | None = None
    expiry: Expiry | None = None
    expires_at: datetime | None = None
    is_quotation: bool = False
    is_pinned: bool = False
    is_withheld: bool = False
    useful: int = 0
    category: str = ""

    @property
    def text(self) -> str:
        """The memory as a line: ``home: Lisbon``, ``Bob, home: Bonn``, or the sentence that it is."""
        about = "" if self.subject == USER else self.subject
        if self.attribute in SENTENCES:
            return f"{about}: {self.value}" if about else self.value
        return f"{about}, {self.attribute.value}: {self.value}" if about else f"{self.attribute.value}: {self.value}"

    def is_believed_at(self, moment: datetime | None) -> bool:
        """Whether this version is what was believed then; None: what is believed now."""
        if moment is None:
            return self.expired_at is None
        return self.recorded_at <= moment and (self.expired_at is None or moment < self.expired_at)

    def is_valid_at(self, moment: datetime) -> bool:
        """It was so then, and nobody let it expire."""
        return (
            (self.valid_from is None or self.valid_from <= moment)
            and (self.valid_to is None or moment < self.valid_to)
            and (self.expires_at is None or moment < self.expires_at)
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two memories that contradict each other, to be settled by asking."""

    id: ConflictId
    subject: str
    attribute: Attribute
    memories: tuple[MemoryId, MemoryId]
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
class Relation:
    """How one entity is linked to another (both by name): ``Anna works_at Acme``.

    It changes only what was believed of the same pair. ``change`` is what the message says of it: that it is so, that
    another relation of the pair was wrong, or that it has ended. ``recorded_at`` is as for a claim.
    """

    subject: str
    relation: str
    object: str
    evidence: tuple[Evidence, ...]
    stated_at: datetime
    change: Change = Change.STATES
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded_at: datetime | None = None

    def is_valid_at(self, moment: datetime) -> bool:
        """It was so then."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """What a session was about.

    ``sentences`` say most about it, verbatim, in the order in which they were said. ``short`` (a sentence or two) and
    ``long`` (a paragraph) are a model's own words, "" where the sentences are all there is.
    """

    sentences: tuple[Evidence, ...]
    short: str = ""
    long: str = ""

    @property
    def text(self) -> str:
        """The short form: a model's, else one sentence a line."""
        return self.short or "\n".join(sentence.quote for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor found in some messages. ``dropped`` counts, by reason, what it did not dare to keep."""

    claims: tuple[Claim, ...] = ()
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    summary: SessionSummary | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
