"""What one request asks of memory, after headers, body, query string, key and project were weighed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from recollect.domain.keys import MemoryMode
from recollect.domain.recall import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class StoreScope(StrEnum):
    """Which side of an exchange is captured (``X-Memory-Store``)."""

    ALL = "all"
    INPUT = "input"
    RESPONSE = "response"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Controls:
    """Every request control of the HTTP reference. None means: not given, use the calibrated or derived default."""

    user: str | None = None
    session: str | None = None
    agent_id: str | None = None
    project: str | None = None
    mode: MemoryMode = MemoryMode.FULL
    store: StoreScope = StoreScope.ALL
    strategy: Strategy = Strategy.BALANCED
    max_tokens: int | None = None
    min_top_k: int = 0
    max_top_k: int = 50
    threshold: float | None = None
    summaries_threshold: float | None = None
    last_n_messages: int = 0
    last_n_summaries: int = 0
    timezone: str = "UTC"
    has_instructions: bool = True
    may_create_user: bool = True
    session_timeout_s: int = 600
    as_of: datetime | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    filters: Mapping[str, object] = field(default_factory=dict)
    is_verbose: bool = False
    speaks_recallr: bool = False
    """The request used ``X-Recallr-*`` spellings: answer in them, and keep that system's rules."""
