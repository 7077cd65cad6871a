"""What is handed to the store when an exchange ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import Lineage, MessageId, MessageNumber, ProjectId, SessionName, SessionNumber, TraceId
    from recollect.domain.messages import NewMessage


@dataclass(frozen=True, slots=True)
class AtHead:
    """Append to whatever is the session's newest live message when the capture is written."""


@dataclass(frozen=True, slots=True)
class After:
    """Continue after a known message (None: the session's start), branching where something follows it."""

    message: MessageId | None


Anchor = AtHead | After


@dataclass(frozen=True, slots=True)
class Injection:
    """The block that was put behind one message of a request, to be re-inserted byte for byte.

    ``sources`` are the messages quoted in it: erasing one of them erases the injection.
    """

    lineage: Lineage
    block: str
    sources: tuple[MessageNumber, ...]
    injected_at: datetime


@dataclass(frozen=True, slots=True)
class Capture:
    """The new messages of one exchange or one ingest call, in order: stored once, or not at all.

    It names project and user rather than a vault, so that it survives in the spool while the
    store is away.
    """

    project: ProjectId
    user: str
    session: SessionName
    anchor: Anchor
    messages: tuple[NewMessage, ...]
    captured_at: datetime
    agent_id: str | None = None
    injection: Injection | None = None
    trace_id: TraceId | None = None


@dataclass(frozen=True, slots=True)
class CaptureReceipt:
    """What became of a capture: the ids in the order of its messages, and how many were new."""

    ids: tuple[MessageId, ...]
    numbers: tuple[MessageNumber, ...]
    stored: int
    duplicates: int
    session_number: SessionNumber
