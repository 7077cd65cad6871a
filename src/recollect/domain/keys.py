"""Memory keys: ``mk_…``, which open a project's vaults, or just one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.budgets import Limit
    from recollect.domain.ids import KeyId, ProjectId


class KeyKind(StrEnum):
    """What a key may do: talk and recall, do so for one user only, or administer the project."""

    CLIENT = "client"
    VAULT = "vault"
    ADMIN = "admin"


class MemoryMode(StrEnum):
    """Whether a request recalls and whether it stores."""

    FULL = "full"
    READ = "read"
    WRITE = "write"
    OFF = "off"
    SHADOW = "shadow"

    recalls: bool
    """Recall runs: its result is injected, or only recorded in ``shadow``."""
    injects: bool
    """What was recalled reaches the provider."""
    stores: bool
    """New messages are captured."""

    def __init__(self, value: str) -> None:
        """Every request asks these questions several times: they are answered once."""
        self.recalls = value in {"full", "read", "shadow"}
        self.injects = value in {"full", "read"}
        self.stores = value in {"full", "write", "shadow"}


@dataclass(frozen=True, slots=True)
class MemoryKey:
    """A key as it is stored: never its secret, only the SHA-256 of it."""

    id: KeyId
    project: ProjectId
    digest: bytes
    kind: KeyKind
    mode: MemoryMode
    created_at: datetime
    name: str = ""
    user: str | None = None
    """The only user that a ``vault`` key opens; None for the other kinds."""
    hint: str = ""
    """The last four characters of the secret, so that people can tell keys apart."""
    revoked_at: datetime | None = None
    limits: tuple[Limit, ...] = ()
    """Of this key's own; they go before those that the settings have for each key."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, after authentication."""

    project: ProjectId
    kind: KeyKind
    mode: MemoryMode
    key_id: KeyId | None
    """None for the local project of a gateway without keys."""
    user: str | None = None
    """The user a ``vault`` key is bound to."""
    limits: tuple[Limit, ...] = ()
