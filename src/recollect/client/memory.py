"""``client.memory``: the gateway's own surface, under ``/v1/memory``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

from recollect.client.memory_types import (
    IngestReceipt,
    Page,
    Preparation,
    Record,
    SearchResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Unpack

    from openai import AsyncOpenAI, OpenAI

T = TypeVar("T", bound=Record)


class IngestKeywords(TypedDict, total=False):
    """``session_id`` names the session; with ``wait`` the call returns once all can be recalled with vectors."""

    session_id: str | None
    agent_id: str | None
    wait: bool
    metadata: Mapping[str, object]


class SearchKeywords(TypedDict, total=False):
    """``from_`` and ``to`` bound the time of what is found; ``as_of`` asks what was known then."""

    limit: int
    strategy: str
    filters: Mapping[str, object]
    from_: str | datetime
    to: str | datetime
    as_of: str | datetime
    explain: bool


class PrepareKeywords(TypedDict, total=False):
    """``messages`` or ``input`` is the request that a block is wanted for."""

    messages: Iterable[Mapping[str, object]]
    input: object
    session_id: str
    max_tokens: int
    strategy: str
    as_of: str | datetime


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to the memory surface, and what its answer is read as. ``fields`` go into the body of a POST,
    else into the query string; those that are None are left out."""

    method: str
    path: str
    answer: type[T]
    fields: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Relative to the base URL."""
        return f"/memory/{self.path}"

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are not None."""
        return {name: value for name, value in self.fields.items() if value is not None}


def ingest_call(user: str, messages: Iterable[Mapping[str, object]], keywords: IngestKeywords) -> Call[IngestReceipt]:
    """Store messages."""
    return Call(
        "POST",
        "ingest",
        IngestReceipt,
        {"user": user, "messages": list(messages), **keywords},
    )


def search_call(user: str, query: str, keywords: SearchKeywords) -> Call[SearchResult]:
    """Look for memories."""
    fields: dict[str, Any] = {"user": user, "query": query, **keywords}
    fields["from"] = fields.pop("from_", None)
    return Call("POST", "search", SearchResult, fields)


def prepare_call(user: str, keywords: PrepareKeywords) -> Call[Preparation]:
    """Recall for a request that is sent elsewhere."""
    fields: dict[str, Any] = {"user": user, **keywords}
    if "messages" in fields:
        fields["messages"] = list(fields["messages"])
    return Call("POST", "prepare", Preparation, fields)


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


class MemoryResource:
    """The memory surface of one client."""

    def __init__(self, client: OpenAI) -> None:
        """Bind to a client."""
        self._client = client

    def ingest(
        self,
        user: str,
        messages: Iterable[Mapping[str, object]],
        **keywords: Unpack[IngestKeywords],
    ) -> IngestReceipt:
        """Store messages: ``{role, content, name?, occurred_at?, id?, metadata?}``, oldest first."""
        return self._run(ingest_call(user, messages, keywords))

    def search(self, user: str, query: str, **keywords: Unpack[SearchKeywords]) -> SearchResult:
        """What the vault holds on ``query``, best first."""
        return self._run(search_call(user, query, keywords))

    def prepare(self, user: str, **keywords: Unpack[PrepareKeywords]) -> Preparation:
        """The memory block for a request that goes to the provider by another way."""
        return self._run(prepare_call(user, keywords))

    def memories(self, user: str, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of a user's memories."""
        return self._run(Call("GET", "memories", Page, {"user": user, "limit": limit, "after": after}))

    def get(self, user: str, memory_id: str) -> Record:
        """One memory; ``openai.NotFoundError`` where there is none."""
        return self._run(Call("GET", f"memories/{segment(memory_id)}", Record, {"user": user}))

    def delete(self, user: str, memory_id: str) -> Record:
        """Delete one memory and all that only it supported."""
        return self._run(Call("DELETE", f"memories/{segment(memory_id)}", Record, {"user": user}))

    def sessions(self, user: str, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of a user's sessions, newest first."""
        return self._run(Call("GET", "sessions", Page, {"user": user, "limit": limit, "after": after}))

    def session_messages(self, user: str, session_id: str, *, limit: int | None = None) -> Page:
        """The messages of one session, oldest first."""
        return self._run(
            Call(
                "GET",
                f"sessions/{segment(session_id)}/messages",
                Page,
                {"user": user, "limit": limit},
            )
        )

    def users(self, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of the project's users."""
        return self._run(Call("GET", "users", Page, {"limit": limit, "after": after}))

    def erase_user(self, user: str) -> Record:
        """Erase everything of a user; the receipt says what was removed."""
        return self._run(Call("DELETE", f"users/{segment(user)}", Record, {}))

    def stats(self, user: str | None = None) -> Record:
        """Counts of one user, or of the project."""
        return self._run(Call("GET", "stats", Record, {"user": user}))

    def trace(self, trace_id: str) -> Record:
        """What one exchange recalled, why, and the exact bytes that were injected."""
        return self._run(Call("GET", f"traces/{segment(trace_id)}", Record, {}))

    def _run(self, call: Call[T]) -> T:
        if call.method == "POST":
            return self._client.post(call.url, cast_to=call.answer, body=call.given)
        send = self._client.get if call.method == "GET" else self._client.delete
        return send(call.url, cast_to=call.answer, options={"params": call.given})


class AsyncMemoryResource:
    """As :class:`MemoryResource`, awaited."""

    def __init__(self, client: AsyncOpenAI) -> None:
        """Bind to a client."""
        self._client = client

    async def ingest(
        self,
        user: str,
        messages: Iterable[Mapping[str, object]],
        **keywords: Unpack[IngestKeywords],
    ) -> IngestReceipt:
        """Store messages: ``{role, content, name?, occurred_at?, id?, metadata?}``, oldest first."""
        return await self._run(ingest_call(user, messages, keywords))

    async def search(self, user: str, query: str, **keywords: Unpack[SearchKeywords]) -> SearchResult:
        """What the vault holds on ``query``, best first."""
        return await self._run(search_call(user, query, keywords))

    async def prepare(self, user: str, **keywords: Unpack[PrepareKeywords]) -> Preparation:
        """The memory block for a request that goes to the provider by another way."""
        return await self._run(prepare_call(user, keywords))

    async def memories(self, user: str, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of a user's memories."""
        return await self._run(Call("GET", "memories", Page, {"user": user, "limit": limit, "after": after}))

    async def get(self, user: str, memory_id: str) -> Record:
        """One memory; ``openai.NotFoundError`` where there is none."""
        return await self._run(Call("GET", f"memories/{segment(memory_id)}", Record, {"user": user}))

    async def delete(self, user: str, memory_id: str) -> Record:
        """Delete one memory and all that only it supported."""
        return await self._run(Call("DELETE", f"memories/{segment(memory_id)}", Record, {"user": user}))

    async def sessions(self, user: str, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of a user's sessions, newest first."""
        return await self._run(Call("GET", "sessions", Page, {"user": user, "limit": limit, "after": after}))

    async def session_messages(self, user: str, session_id: str, *, limit: int | None = None) -> Page:
        """The messages of one session, oldest first."""
        return await self._run(
            Call(
                "GET",
                f"sessions/{segment(session_id)}/messages",
                Page,
                {"user": user, "limit": limit},
            )
        )

    async def users(self, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of the project's users."""
        return await self._run(Call("GET", "users", Page, {"limit": limit, "after": after}))

    async def erase_user(self, user: str) -> Record:
        """Erase everything of a user; the receipt says what was removed."""
        return await self._run(Call("DELETE", f"users/{segment(user)}", Record, {}))

    async def stats(self, user: str | None = None) -> Record:
        """Counts of one user, or of the project."""
        return await self._run(Call("GET", "stats", Record, {"user": user}))

    async def trace(self, trace_id: str) -> Record:
        """What one exchange recalled, why, and the exact bytes that were injected."""
        return await self._run(Call("GET", f"traces/{segment(trace_id)}", Record, {}))

    async def _run(self, call: Call[T]) -> T:
        if call.method == "POST":
            return await self._client.post(call.url, cast_to=call.answer, body=call.given)
        send = self._client.get if call.method == "GET" else self._client.delete
        return await send(call.url, cast_to=call.answer, options={"params": call.given})
