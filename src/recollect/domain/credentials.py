"""Keys for providers, as a project keeps them: sealed, and told apart by their last characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import ProjectId


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A project's key for a provider (the registry's name). ``hint`` is what people may see of it."""

    project: ProjectId
    provider: str
    sealed: bytes
    hint: str
    set_at: datetime
