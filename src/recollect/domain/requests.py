"""What is known of one request once it is over: for the log of requests, for metrics and traces. No message's text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.domain.ids import KeyId, ProjectId, TraceId, VaultId
    from recollect.domain.usage import Cost

CLIENT_LEFT = "client_left"
BROKEN_OFF = "broken_off"
NO_STATUS = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an upstream, by its name, and what came of it: a status, or the kind of failure."""

    name: str
    outcome: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request to the OpenAI surface, from its arrival to the end of its reply.

    ``project`` is None where nobody was authenticated; ``key_id`` where no key exists. ``status`` is the reply's, 0
    where the client left before it; ``error`` the code of our own error, ``client_left`` or ``broken_off``.
    ``provider`` is None for a URL in forward style. ``stage_ms`` are the stages that ran, in order, and
    ``stage_at_ms`` when each began after the arrival. ``memory``, ``mode`` and ``stored`` are as the headers spell
    them. ``memories`` are the ids of what was injected (or would have been, in mode ``shadow``); ``cache`` is ``hit``
    or ``miss`` where the response cache is on.
    """

    id: TraceId
    started_at: datetime
    took_ms: float
    method: str
    path: str
    status: int = NO_STATUS
    error: str | None = None
    project: ProjectId | None = None
    key_id: KeyId | None = None
    user: str | None = None
    vault: VaultId | None = None
    session: str | None = None
    agent_id: str | None = None
    dialect: str | None = None
    provider: str | None = None
    model: str | None = None
    is_streamed: bool = False
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    stage_at_ms: Mapping[str, float] = field(default_factory=dict)
    mode: str = "off"
    memory: str = "off"
    stored: str = "no"
    memories: tuple[str, ...] = ()
    memory_tokens: int = 0
    cache: str | None = None
    response_id: str | None = None
    response_model: str | None = None
    finish_reason: str | None = None
    cost: Cost | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_success(self) -> bool:
        """The reply is the provider's answer, and whole."""
        return 0 < self.status < 400 and self.error is None  # noqa: PLR2004 - HTTP's own division
