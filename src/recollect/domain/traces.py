"""The record of one exchange or search: why something was recalled, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import MessageNumber, ProjectId, TraceId, VaultId


@dataclass(frozen=True, slots=True)
class Trace:
    """``body`` is the JSON text served at ``/v1/memory/traces/{id}``; ``sources`` the messages quoted in it,
    so that erasing one of them erases the trace."""

    id: TraceId
    project: ProjectId
    vault: VaultId | None
    created_at: datetime
    body: str
    sources: tuple[MessageNumber, ...] = ()
