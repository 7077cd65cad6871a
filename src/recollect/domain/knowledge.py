"""What is stored of derived knowledge: windows of sessions, as extractors read them, and edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.domain.edits import Edit
    from recollect.domain.ids import MessageNumber, SessionNumber
    from recollect.domain.memories import Extraction


@dataclass(frozen=True, slots=True)
class WindowMark:
    """What an extractor read as one window. ``digest`` tells whether it would read the same now; "" where it is to be
    read again in any case."""

    extractor: str
    window: int
    digest: str


@dataclass(frozen=True, slots=True)
class WindowExtraction:
    """What an extractor found in one window of a session: messages ``numbers``, in order."""

    window: int
    version: str
    digest: str
    numbers: tuple[MessageNumber, ...]
    found: Extraction
    extracted_at: datetime


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """A window, and whose it is."""

    session: SessionNumber
    extractor: str
    window: WindowExtraction


@dataclass(frozen=True, slots=True)
class KnowledgeRecord:
    """All that memories are folded from, in order of session, extractor and window; edits in order.

    ``sequence`` changes with every change of it. ``abandoned`` are the messages that are on no live branch: what they
    say does not count.
    """

    sequence: int
    windows: tuple[SessionWindow, ...] = ()
    edits: tuple[Edit, ...] = ()
    abandoned: frozenset[MessageNumber] = frozenset()


@dataclass(frozen=True, slots=True)
class ExtractionProgress:
    """How far derived data has come. ``extracted`` counts messages by extractor, ``dropped`` claims by reason.

    ``due`` counts sessions that changed since they were extracted, those that wait in the queue included;
    ``oldest_due_at`` is when the first of them did. ``indexed`` messages have passages (or need none), ``embedded``
    ones have vectors.
    """

    messages: int = 0
    indexed: int = 0
    embedded: int = 0
    extracted: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    due: int = 0
    oldest_due_at: datetime | None = None
