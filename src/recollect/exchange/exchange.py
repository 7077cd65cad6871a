"""The state of one exchange: made when a request arrives, filled stage by stage, dropped at its end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from recollect.domain.controls import Controls
from recollect.domain.recall import MemoryStatus, Strategy
from recollect.wire.headers import CACHE_HEADER
from recollect.wire.prompt import PromptEdit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from recollect.domain.budgets import Charge
    from recollect.domain.capture import Anchor, Injection
    from recollect.domain.chat import ChatModel
    from recollect.domain.ids import Lineage, MessageNumber, ProjectId, SessionName, TraceId
    from recollect.domain.keys import Principal
    from recollect.domain.ledger import Ledger
    from recollect.domain.recall import Hit, RecallResult
    from recollect.domain.requests import Attempt
    from recollect.domain.usage import Cost
    from recollect.domain.vaults import Session, Vault
    from recollect.exchange.head import RequestHead
    from recollect.exchange.ports import IncomingRequest, Span
    from recollect.providers.base import Route, UpstreamReply
    from recollect.providers.router import Plan
    from recollect.wire.json_document import JsonDocument
    from recollect.wire.prompt import Dialect, Prompt, Reply


_CACHE_HEADER = CACHE_HEADER.lower().encode()
_USUAL_CONTROLS, _NO_EDIT = Controls(), PromptEdit()
"""Frozen: what every exchange begins with is made once."""


class Stored(StrEnum):
    """The value of ``X-Memory-Stored``."""

    YES = "yes"
    SPOOLED = "spooled"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request's dialogue: the indexes (into the prompt's utterances) of what can be stored, oldest first, and
    the lineage of every utterance."""

    storable: tuple[int, ...]
    lineages: tuple[Lineage, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the request's history stands: vault (None: the user is new), session, and what is new.

    ``new`` are indexes of utterances that are not stored yet; they follow ``anchor``. ``sent_only_newest``: the
    session has earlier messages of which the request holds none. ``held_upstream``: those that the provider holds
    itself, because the request continues its state (``previous_response_id``, ``conversation``).
    """

    project: ProjectId
    user: str
    vault: Vault | None
    session_name: SessionName
    session: Session | None
    anchor: Anchor
    new: tuple[int, ...]
    conversation: Conversation
    sent_only_newest: bool = False
    held_upstream: frozenset[MessageNumber] = frozenset()


@dataclass(slots=True)
class Exchange:
    """Everything that is known of one request so far. Each stage writes its own fields and no other's."""

    request: IncomingRequest
    id: TraceId
    started_at: datetime
    started: float = field(default_factory=time.perf_counter)
    span: Span | None = None

    # authenticate
    principal: Principal | None = None
    project_keys: Mapping[str, str] = field(default_factory=dict)
    """The project's own keys for providers, by name."""
    controls: Controls = _USUAL_CONTROLS

    # resolve
    dialect: Dialect | None = None
    document: JsonDocument | None = None
    prompt: Prompt | None = None
    place: Place | None = None
    plan: Plan | None = None
    route: Route | None = None
    """The first of the plan; once the provider has answered, the one that did."""
    tells_breaks: bool = False
    """A stream that breaks says so in an event, although its bytes are the provider's: several could have answered."""

    # recall
    status: MemoryStatus = MemoryStatus.OFF
    recalled: RecallResult | None = None
    keeps_block: bool = False
    """The newest message got its block a moment ago and keeps it; ``recalled`` holds what that block quotes."""

    own_model: ChatModel | None = None
    """The request's own model, for `agentic`."""
    on_progress: Callable[[str], Awaitable[None]] | None = None

    # inject
    sticky: tuple[Injection, ...] = ()
    profile: Injection | None = None
    """What the session's system message ends with, the same from its first request on."""
    injection: Injection | None = None
    shadowed: Injection | None = None
    edit: PromptEdit = _NO_EDIT
    block_tokens: int = 0

    # forward
    cost: Cost | None = None
    """What it took, once the reply is closed; None where nobody counts, as for a file or an error."""
    charges: tuple[Charge, ...] = ()
    """What was taken from budgets and is not set right yet."""
    ledger: Ledger | None = None
    """What memory did to the cost, a moment after the reply is closed."""
    passed_model: str | None = None
    """The model that a request names which is no conversation."""
    attempts: list[Attempt] = field(default_factory=list)

    # the way back
    reply_status: int = 0
    """The status of the reply's head, once there is one."""
    cache: str | None = None
    reply: Reply | None = None

    # capture
    fetches: tuple[ProjectId, str] | None = None
    """The reply that was made in the background, and is awaited, which the request fetches."""

    stored: Stored = Stored.NO
    is_captured: bool = False

    stage_ms: dict[str, float] = field(default_factory=dict)
    stage_at_ms: dict[str, float] = field(default_factory=dict)
    """When each stage began, after the request's arrival."""

    @property
    def head(self) -> RequestHead:
        """The request's headers, and what is known of them."""
        return self.request.head

    @property
    def memory_is_on(self) -> bool:
        """The request takes part in memory at all: it recalls or stores, and is no side call."""
        mode = self.controls.mode
        return (mode.recalls or mode.stores) and self.prompt is not None and not self.prompt.is_side_call

    @property
    def model(self) -> str:
        """The model as the provider spells it, "" where none is named."""
        spelled = self.route.model if self.route else None
        return spelled or (self.prompt.model if self.prompt else self.passed_model) or ""

    @property
    def shown(self) -> tuple[Hit, ...]:
        """What the block of the newest message quotes."""
        if self.recalled is None or not (self.injection or self.keeps_block):
            return ()
        return self.recalled.selection

    @property
    def done_strategy(self) -> str | None:
        """What a request that asked for `agentic` was served by; None where it asked for something else."""
        if self.controls.strategy is not Strategy.AGENTIC or self.recalled is None:
            return None
        return self.recalled.strategy.value

    def note_head(self, upstream: UpstreamReply) -> None:
        """What the head of the provider's reply tells."""
        self.reply_status = upstream.status
        for name, value in upstream.headers:
            if name == _CACHE_HEADER:
                self.cache = value.decode("latin-1")

    def elapsed_ms(self) -> float:
        """Milliseconds since the request arrived."""
        return (time.perf_counter() - self.started) * 1000


class Timed:
    """Notes how long a stage took. A class, because it is on the path of every request."""

    __slots__ = ("_exchange", "_stage", "_started")

    def __init__(self, exchange: Exchange, stage: str) -> None:
        """Take whose stage it is, and its name."""
        self._exchange = exchange
        self._stage = stage

    def __enter__(self) -> None:
        """It begins."""
        self._started = started = time.perf_counter()
        self._exchange.stage_at_ms[self._stage] = (started - self._exchange.started) * 1000

    def __exit__(self, *_error: object) -> None:
        """It ends, also by an error."""
        self._exchange.stage_ms[self._stage] = (time.perf_counter() - self._started) * 1000
