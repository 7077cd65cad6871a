"""Vaults and sessions: whose conversations, and which run of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import (
        Fingerprint,
        MessageId,
        MessageNumber,
        ProjectId,
        SessionName,
        SessionNumber,
        VaultId,
    )


@dataclass(frozen=True, slots=True)
class Vault:
    """One body of conversations, normally one end user's."""

    id: VaultId
    project: ProjectId
    user: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VaultSummary:
    """A vault with its size, for lists and statistics. Counts are of messages on every branch."""

    vault: Vault
    messages: int
    sessions: int
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A run of messages. ``messages`` counts the live branch."""

    name: SessionName
    number: SessionNumber
    agent_id: str | None
    started_at: datetime
    last_active_at: datetime
    messages: int


@dataclass(frozen=True, slots=True)
class BranchEntry:
    """One message of a session's live branch, in order: what alignment needs of it.

    ``fingerprint`` is that of its words; ``identity`` is another one where its caller told it from the same words
    said elsewhere.
    """

    id: MessageId
    number: MessageNumber
    fingerprint: Fingerprint
    role: str
    identity: Fingerprint


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was erased, provable without keeping it: counts, and the hash over the erased message ids."""

    user: str
    messages: int
    sessions: int
    erased_at: datetime
    digest: str
    """SHA-256 (hex) over the erased message ids in order of capture."""
