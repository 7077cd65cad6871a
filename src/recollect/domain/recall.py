"""What is asked of recall, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, tzinfo

    from recollect.domain.chat import ChatModel
    from recollect.domain.ids import Fingerprint, MessageNumber, SessionName
    from recollect.domain.messages import StoredMessage

HitKind = Literal["passage", "memory", "summary"]


class Strategy(StrEnum):
    """How recall is done; `agentic` needs a model and falls back to `balanced`."""

    LOW_LATENCY = "low_latency"
    BALANCED = "balanced"
    AGENTIC = "agentic"


class MemoryStatus(StrEnum):
    """The value of ``X-Memory-Status``."""

    INJECTED = "injected"
    EMPTY = "empty"
    OFF = "off"
    SHADOW = "shadow"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RecallRequest:
    """One question to one vault.

    ``query`` is the text to recall for; ``context`` the earlier turns of the request, newest last.
    ``limit`` bounds the ranking that is returned, ``max_tokens`` the packed selection (frame included).
    ``present`` are fingerprints of messages that the request already holds, ``excluded`` numbers of messages
    that blocks in the request quote already: neither is selected.
    ``since``/``until`` bound ``occurred_at``; ``as_of`` hides what was said later, memories of that time aside.
    ``threshold`` overrides the calibrated gate (0..1, higher is stricter); None leaves it calibrated.
    ``filters`` restricts recall to messages whose metadata has these values.
    ``last_n_summaries`` newest sessions are summarised whatever their relevance, others where one of their passages
    reaches ``summaries_threshold`` (None: never).
    ``recent_session``: the session whose newest ``recent_messages`` live messages are to be included whatever
    their relevance (a client that sends only its newest message).
    """

    query: str
    strategy: Strategy = Strategy.BALANCED
    limit: int = 50
    min_hits: int = 0
    max_tokens: int = 1200
    context: tuple[str, ...] = ()
    present: frozenset[Fingerprint] = frozenset()
    excluded: frozenset[MessageNumber] = frozenset()
    now: datetime | None = None
    timezone: tzinfo | None = None
    as_of: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    threshold: float | None = None
    filters: Mapping[str, object] = field(default_factory=dict)
    agent_id: str | None = None
    session: SessionName | None = None
    recent_session: SessionName | None = None
    recent_messages: int = 0
    last_n_messages: int = 0
    last_n_summaries: int = 0
    summaries_threshold: float | None = None
    deadline_ms: float | None = None
    widens: bool = False
    """A question for a kind of things also looks for what belongs to the kind."""
    is_explained: bool = False
    model: ChatModel | None = None
    """The request's own model, for ``agentic`` where none is configured."""
    on_progress: Callable[[str], Awaitable[None]] | None = None
    """Told what ``agentic`` is doing, a few words at a time, none of them of messages."""


@dataclass(frozen=True, slots=True)
class Source:
    """A message that a memory or a summary rests on, and its words."""

    message: StoredMessage
    quote: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage, memory or summary in a ranking, best first.

    ``start``/``end`` are character offsets into the message's text. Of a memory or a summary, ``statement`` is what it
    says, ``sources`` what it rests on, ``message`` the newest of these, and ``id`` its own.
    ``score`` is the fused score, 0..1 within a query; ``signals`` the raw signals behind it, by name
    (filled where the request asked for an explanation or a trace).
    """

    kind: HitKind
    message: StoredMessage
    start: int
    end: int
    score: float
    tokens: int
    signals: Mapping[str, float] = field(default_factory=dict)
    id: str = ""
    statement: str = ""
    sources: tuple[Source, ...] = ()

    @property
    def text(self) -> str:
        """The passage itself, or the statement."""
        return self.statement or self.message.text[self.start : self.end]

    @property
    def numbers(self) -> tuple[MessageNumber, ...]:
        """The messages that it quotes or rests on."""
        return tuple(source.message.number for source in self.sources) or (self.message.number,)


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Why recall spoke or stayed silent: the absolute signals, their thresholds, and the outcome."""

    is_open: bool
    reason: str
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asked for while it browsed: ``found`` counts the entries that it was shown."""

    tool: str
    arguments: str
    found: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class Browsing:
    """How ``agentic`` went. ``fell_back`` says why ``balanced`` answered in its place, "" where it did not.

    ``sources`` are the messages that the model was shown.
    """

    model: str
    steps: int = 0
    tokens: int = 0
    took_ms: float = 0.0
    calls: tuple[ToolCall, ...] = ()
    fell_back: str = ""
    sources: tuple[MessageNumber, ...] = ()


@dataclass(frozen=True, slots=True)
class RecallResult:
    """``ranking`` is what search returns; ``selection`` what is injected: past the gate, without repetition,
    packed to the budget, in the order in which it is to be read (chronological).

    ``cut`` says of hits that did not make it why: ``(message number, reason)``; reasons are ``budget``,
    ``present``, ``duplicate``, ``gate``, ``limit``.
    """

    status: MemoryStatus
    ranking: tuple[Hit, ...] = ()
    selection: tuple[Hit, ...] = ()
    gate: GateVerdict = field(default_factory=lambda: GateVerdict(is_open=False, reason="not asked"))
    cut: tuple[tuple[MessageNumber, str], ...] = ()
    strategy: Strategy = Strategy.BALANCED
    took_ms: float = 0.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    has_vectors: bool = False
    browsing: Browsing | None = None
