"""What is known of one request once it is over: for the log of requests, for metrics and traces. No message's text.

What is made for every request is a NamedTuple: it is made in a third of the time that a frozen dataclass takes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.domain.ids import KeyId, ProjectId, TraceId, VaultId
    from recollect.domain.usage import Cost

CLIENT_LEFT = "client_left"
BROKEN_OFF = "broken_off"
NO_STATUS = 0
PSEUDONYM_DIGITS = 12


class Attempt(NamedTuple):
    """One try at an upstream, by its name, and what came of it: a status, or the kind of failure."""

    name: str
    outcome: str
    took_ms: float


class RequestRecord(NamedTuple):
    """One request to the OpenAI surface, from its arrival to the end of its reply. Its texts can be written as UTF-8.

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
    stage_ms: Mapping[str, float] = MappingProxyType({})
    stage_at_ms: Mapping[str, float] = MappingProxyType({})
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
    def is_of_a_vault(self) -> bool:
        """It read from a vault or wrote to it: when that is erased, so is this."""
        return self.vault is not None or self.stored == "yes"

    @property
    def pseudonym(self) -> str | None:
        """What stands for the user where the record travels: names are often addresses."""
        if self.user is None:
            return None
        return hashlib.sha256(self.user.encode("utf-8", "replace")).hexdigest()[:PSEUDONYM_DIGITS]

    @property
    def is_success(self) -> bool:
        """The reply is the provider's answer, and whole."""
        return 0 < self.status < 400 and self.error is None  # noqa: PLR2004 - HTTP's own division


@dataclass(frozen=True, slots=True)
class RequestBodies:
    """What was sent and answered in one exchange, kept so that it can be sent again. No credentials: ``headers`` are
    those that travel on to a provider, without them; ``request`` is the client's body before memory touched it.
    """

    id: TraceId
    project: ProjectId
    user: str
    created_at: datetime
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    request: bytes
    reply: bytes


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests of a project are wanted: newest first, behind ``after``. ``statuses`` are bounds, both included;
    ``since`` counts, ``until`` does not."""

    limit: int = 20
    after: TraceId | None = None
    user: str | None = None
    model: str | None = None
    statuses: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, record: RequestRecord) -> bool:
        """Whether a record is wanted, its place in the order aside."""
        low, high = self.statuses or (0, 999)
        return (
            self.user in {None, record.user}
            and self.model in {None, record.model}
            and low <= record.status <= high
            and (self.since is None or record.started_at >= self.since)
            and (self.until is None or record.started_at < self.until)
        )
