"""``client.memory``: the gateway's own surface, under ``/v1/memory``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from recollect.client.calls import AsyncSender, Call, Sender, segment
from recollect.client.memories import (
    AsyncConflictsResource,
    AsyncMemoriesResource,
    ConflictsResource,
    GraphKeywords,
    MemoriesResource,
    graph_call,
)
from recollect.client.memory_types import (
    Graph,
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


class ReprocessKeywords(TypedDict, total=False):
    """``extractor``: only what this one found, ``rules`` or ``llm``; ``wait`` until all of a user's is read."""

    user: str
    session_id: str
    extractor: str
    wait: bool


class PrepareKeywords(TypedDict, total=False):
    """``messages`` or ``input`` is the request that a block is wanted for."""

    messages: Iterable[Mapping[str, object]]
    input: object
    session_id: str
    max_tokens: int
    strategy: str
    filters: Mapping[str, object]
    as_of: str | datetime


class RequestsKeywords(TypedDict, total=False):
    """``status`` is one (``429``), a class (``5xx``) or ``error``; ``from_`` and ``to`` bound the time."""

    user: str
    model: str
    status: str | int
    from_: str | datetime
    to: str | datetime
    limit: int
    after: str


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


def process_call(user: str, session_id: str, *, wait: bool, anew: bool) -> Call[Record]:
    """Have a session read."""
    fields = {"user": user, "wait": wait or None, "anew": anew or None}
    return Call("POST", f"sessions/{segment(session_id)}/process", Record, fields)


def reprocess_call(keywords: ReprocessKeywords) -> Call[Record]:
    """Derive anew."""
    return Call("POST", "reprocess", Record, keywords)


def requests_call(keywords: RequestsKeywords) -> Call[Page]:
    """What was asked of which model."""
    fields: dict[str, Any] = {**keywords}
    fields["from"] = fields.pop("from_", None)
    return Call("GET", "requests", Page, fields)


def replay_call(request_id: str, ways: Iterable[str | Mapping[str, object]] | None) -> Call[Record]:
    """The same request with other memory."""
    return Call("POST", "replay", Record, {"request_id": request_id, "with": None if ways is None else list(ways)})


class MemoryResource(Sender):
    """The memory surface of one client."""

    @cached_property
    def memories(self) -> MemoriesResource:
        """What is known and stored, one by one."""
        return MemoriesResource(self._client)

    @cached_property
    def conflicts(self) -> ConflictsResource:
        """What contradicts itself."""
        return ConflictsResource(self._client)

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

    def graph(self, user: str, **keywords: Unpack[GraphKeywords]) -> Graph:
        """Entities and how they are linked: around ``entity``, or from it ``to`` another."""
        return self._run(graph_call(user, keywords))

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

    def session_summary(self, user: str, session_id: str) -> Record:
        """What a session was about, ``short`` and ``long``; ``openai.NotFoundError`` where it was not read yet."""
        return self._run(Call("GET", f"sessions/{segment(session_id)}/summary", Record, {"user": user}))

    def process_session(self, user: str, session_id: str, *, wait: bool = False, anew: bool = False) -> Record:
        """Have a session read now: what is new in it, or all of it."""
        return self._run(process_call(user, session_id, wait=wait, anew=anew))

    def reprocess(self, **keywords: Unpack[ReprocessKeywords]) -> Record:
        """Derive anew what extractors found of a user, or (admin keys) of the project."""
        return self._run(reprocess_call(keywords))

    def users(self, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of the project's users."""
        return self._run(Call("GET", "users", Page, {"limit": limit, "after": after}))

    def erase_user(self, user: str) -> Record:
        """Erase everything of a user; the receipt says what was removed."""
        return self._run(Call("DELETE", f"users/{segment(user)}", Record, {}))

    def stats(self, user: str | None = None) -> Record:
        """Counts of one user, or of the project."""
        return self._run(Call("GET", "stats", Record, {"user": user}))

    def usage(
        self, first: str | None = None, last: str | None = None, *, group_by: str = "day", user: str | None = None
    ) -> Record:
        """What exchanges took from one day to another (``2026-05-01``), told apart by ``day``, ``key``, ``user``,
        ``provider`` or ``model``, or by several with commas between."""
        given = {"from": first, "to": last, "group_by": group_by, "user": user}
        return self._run(Call("GET", "usage", Record, given))

    def trace(self, trace_id: str) -> Record:
        """What one exchange recalled, why, and the exact bytes that were injected."""
        return self._run(Call("GET", f"traces/{segment(trace_id)}", Record, {}))

    def requests(self, **keywords: Unpack[RequestsKeywords]) -> Page:
        """One page of what was asked of which model, newest first."""
        return self._run(requests_call(keywords))

    def request(self, request_id: str) -> Record:
        """One request: status, times of each stage, tokens, cost, and what was injected."""
        return self._run(Call("GET", f"requests/{segment(request_id)}", Record, {}))

    def replay(self, request_id: str, ways: Iterable[str | Mapping[str, object]] | None = None) -> Record:
        """The same request with other memory (``none``, ``current``, ``then``, or settings), side by side."""
        return self._run(replay_call(request_id, ways))


class AsyncMemoryResource(AsyncSender):
    """As :class:`MemoryResource`, awaited."""

    @cached_property
    def memories(self) -> AsyncMemoriesResource:
        """What is known and stored, one by one."""
        return AsyncMemoriesResource(self._client)

    @cached_property
    def conflicts(self) -> AsyncConflictsResource:
        """What contradicts itself."""
        return AsyncConflictsResource(self._client)

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

    async def graph(self, user: str, **keywords: Unpack[GraphKeywords]) -> Graph:
        """Entities and how they are linked: around ``entity``, or from it ``to`` another."""
        return await self._run(graph_call(user, keywords))

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

    async def session_summary(self, user: str, session_id: str) -> Record:
        """What a session was about, ``short`` and ``long``; ``openai.NotFoundError`` where it was not read yet."""
        return await self._run(Call("GET", f"sessions/{segment(session_id)}/summary", Record, {"user": user}))

    async def process_session(self, user: str, session_id: str, *, wait: bool = False, anew: bool = False) -> Record:
        """Have a session read now: what is new in it, or all of it."""
        return await self._run(process_call(user, session_id, wait=wait, anew=anew))

    async def reprocess(self, **keywords: Unpack[ReprocessKeywords]) -> Record:
        """Derive anew what extractors found of a user, or (admin keys) of the project."""
        return await self._run(reprocess_call(keywords))

    async def users(self, *, limit: int | None = None, after: str | None = None) -> Page:
        """One page of the project's users."""
        return await self._run(Call("GET", "users", Page, {"limit": limit, "after": after}))

    async def erase_user(self, user: str) -> Record:
        """Erase everything of a user; the receipt says what was removed."""
        return await self._run(Call("DELETE", f"users/{segment(user)}", Record, {}))

    async def stats(self, user: str | None = None) -> Record:
        """Counts of one user, or of the project."""
        return await self._run(Call("GET", "stats", Record, {"user": user}))

    async def usage(
        self, first: str | None = None, last: str | None = None, *, group_by: str = "day", user: str | None = None
    ) -> Record:
        """What exchanges took from one day to another (``2026-05-01``), told apart by ``day``, ``key``, ``user``,
        ``provider`` or ``model``, or by several with commas between."""
        given = {"from": first, "to": last, "group_by": group_by, "user": user}
        return await self._run(Call("GET", "usage", Record, given))

    async def trace(self, trace_id: str) -> Record:
        """What one exchange recalled, why, and the exact bytes that were injected."""
        return await self._run(Call("GET", f"traces/{segment(trace_id)}", Record, {}))

    async def requests(self, **keywords: Unpack[RequestsKeywords]) -> Page:
        """One page of what was asked of which model, newest first."""
        return await self._run(requests_call(keywords))

    async def request(self, request_id: str) -> Record:
        """One request: status, times of each stage, tokens, cost, and what was injected."""
        return await self._run(Call("GET", f"requests/{segment(request_id)}", Record, {}))

    async def replay(self, request_id: str, ways: Iterable[str | Mapping[str, object]] | None = None) -> Record:
        """The same request with other memory (``none``, ``current``, ``then``, or settings), side by side."""
        return await self._run(replay_call(request_id, ways))
