"""What the memory surface answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openai import BaseModel
from pydantic import Field


class Record(BaseModel):
    """An answer whose fields are attributes and, as in other systems' clients, items; unknown ones are kept."""

    def __getitem__(self, name: str) -> Any:
        """The field ``name``; KeyError where there is none."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def get(self, name: str, default: Any = None) -> Any:
        """The field ``name``, or ``default``."""
        return getattr(self, name, default)


class Memory(Record):
    """One recalled passage, memory or summary. ``score`` grows with relevance; times are RFC 3339."""

    text: str
    id: str | None = None
    kind: str = "passage"
    score: float | None = None
    role: str | None = None
    name: str | None = None
    occurred_at: str | None = None
    session_id: str | None = None
    tokens: int | None = None
    sources: list[dict[str, Any]] = Field(default_factory=list)


class ReplyMetadata(dict[str, Any]):
    """The ``metadata`` of a reply as a dict, and beside it what was recalled for it."""

    memories: list[Memory]

    def __init__(self, fields: dict[str, Any] | None = None) -> None:
        """Take a reply's ``metadata`` as it came."""
        super().__init__(fields or {})
        recalled = self.pop("memories", None)
        self.memories = [Memory.construct(**item) for item in recalled or () if isinstance(item, dict)]


class IngestReceipt(Record):
    """How many messages were new, and how many were known. ``indexed``: all can be recalled with vectors now."""

    stored: int
    duplicates: int
    session_id: str
    indexed: bool


class SearchResult(Record):
    """What was found, best first, and how long it took in milliseconds."""

    data: list[Memory]
    took_ms: float | None = None


class Preparation(Record):
    """The block (``context``), what it quotes, its size in tokens, and the messages with the block in place."""

    context: str
    memories: list[Memory]
    tokens: int
    messages: list[dict[str, Any]] = Field(default_factory=list)
    trace_id: str | None = None


class Page(Record):
    """One page of a list."""

    data: list[Record]
    has_more: bool = False


class Graph(Record):
    """Entities, nearest first, the relations between them, and with ``to`` the ways from one to the other."""

    entities: list[Record]
    relations: list[Record]
    co_occurrences: list[Record] = Field(default_factory=list)
    paths: list[list[Record]] = Field(default_factory=list)
    entity: str | None = None
