"""What the memory surface is asked, parsed and checked, and what it answers.

``user`` is final in every call: the edge has weighed body, header and key, and a vault key's own user. The project
is the principal's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.domain.recall import MemoryStatus, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.domain.controls import Controls
    from recollect.domain.ids import SessionName, TraceId
    from recollect.domain.keys import MemoryMode
    from recollect.domain.messages import NewMessage
    from recollect.domain.recall import Hit, RecallResult
    from recollect.domain.requests import RequestBodies, RequestRecord
    from recollect.domain.usage import Cost


@dataclass(frozen=True, slots=True)
class IngestCall:
    """Messages to store, oldest first, behind whatever the session holds.

    Without a session: the one that is open by the inactivity rule, or a new one. ``waits_for_index``: answer only
    when what was stored can be recalled with vectors. A message's ``distinguisher`` is its caller's id, or else its
    caller's time; without either, the same words behind the same history are a duplicate.
    """

    user: str
    messages: tuple[NewMessage, ...]
    session_id: SessionName | None = None
    agent_id: str | None = None
    waits_for_index: bool = False
    may_create_user: bool = True
    session_timeout_s: int = 600


@dataclass(frozen=True, slots=True)
class IngestResult:
    """``is_indexed``: all that was stored can be recalled with vectors by now."""

    stored: int
    duplicates: int
    session_id: SessionName
    is_indexed: bool


@dataclass(frozen=True, slots=True)
class SearchCall:
    """A question to one vault. ``since``/``until`` bound ``occurred_at``; ``threshold`` (0..1) opens the gate to the
    ranking too, None ranks everything; ``timezone`` is an IANA name.
    """

    user: str
    query: str
    limit: int = 10
    strategy: Strategy = Strategy.BALANCED
    agent_id: str | None = None
    session_id: SessionName | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    threshold: float | None = None
    timezone: str = "UTC"
    is_explained: bool = False
    filters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The ranking is ``recall.ranking``, at most ``limit`` long. A user without a vault has an empty one."""

    recall: RecallResult
    trace_id: TraceId


@dataclass(frozen=True, slots=True)
class PrepareCall:
    """A request that its caller will send to a provider itself.

    ``body`` is the text of a JSON object that ``dialect`` reads, holding nothing but the conversation, as the caller
    wrote it: ``{"messages": […]}`` (``chat/completions``), or ``{"input": …, "instructions": …}`` (``responses``).
    ``controls`` are those of a request, its user and session included.
    """

    dialect: str
    body: bytes
    controls: Controls


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """``context`` is the block, "" where nothing was recalled; ``body`` the call's body with the block in place;
    ``tokens`` the size of the block.
    """

    context: str
    hits: tuple[Hit, ...]
    tokens: int
    body: bytes
    session_id: SessionName
    trace_id: TraceId


@dataclass(frozen=True, slots=True)
class ReplayWith:
    """One way of remembering: ``name`` as the caller spells it. ``mode`` is `off` or `read`; what is None stays as the
    request had it."""

    name: str
    mode: MemoryMode
    strategy: Strategy | None = None
    max_tokens: int | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplayCall:
    """A request to be sent again. ``provider_key`` is the caller's own for the provider."""

    record: RequestRecord
    bodies: RequestBodies
    ways: tuple[ReplayWith, ...]
    provider_key: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """What was answered with one way of remembering. ``content`` is JSON text where the answer is more than ``text``;
    ``error`` our code, or the provider's words."""

    way: ReplayWith
    status: int
    took_ms: float
    error: str | None = None
    message: str | None = None
    text: str = ""
    content: str | None = None
    finish_reason: str | None = None
    cost: Cost | None = None
    memory: MemoryStatus = MemoryStatus.OFF
    injected: str | None = None
    profile: str | None = None
    hits: tuple[Hit, ...] = ()
    memory_tokens: int = 0
