"""``client.memory.memories``, ``.conflicts`` and ``.graph``: what is known of a person, and what can be done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from recollect.client.calls import AsyncSender, Call, Sender, segment
from recollect.client.memory_types import Graph, Page, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Unpack


class MemoryChoice(TypedDict, total=False):
    """Which memories: see the HTTP reference for each."""

    kind: str
    status: str
    subject: str
    attribute: str
    entity: str
    category: str
    session_id: str
    is_pinned: bool
    as_of: str | datetime
    known_at: str | datetime
    limit: int
    after: str


class MemoryWords(TypedDict, total=False):
    """What a memory says. ``None`` takes a time or a category away; what is left out stays."""

    value: str
    text: str
    subject: str
    attribute: str
    category: str | None
    valid_from: str | datetime | None
    valid_to: str | datetime | None
    sources: Iterable[Mapping[str, object]]
    is_pinned: bool
    expires_at: str | datetime | None


class GraphKeywords(TypedDict, total=False):
    """``depth`` hops around ``entity``, or the ways to another one, ``to``."""

    entity: str
    to: str
    depth: int
    status: str
    as_of: str | datetime
    limit: int


NULLS = frozenset({"category", "valid_from", "valid_to", "expires_at"})


def list_call(user: str, choice: MemoryChoice) -> Call[Page]:
    """One page of memories."""
    return Call("GET", "memories", Page, {"user": user, **choice})


def add_call(user: str, words: MemoryWords) -> Call[Record]:
    """A new memory."""
    return Call("POST", "memories", Record, {"user": user, **_listed(words)})


def one_call(method: str, user: str, memory_id: str, fields: Mapping[str, Any] | None = None) -> Call[Record]:
    """One memory, read, changed or deleted."""
    path = f"memories/{segment(memory_id)}"
    return Call(method, path, Record, {"user": user, **(fields or {})}, NULLS if method == "PATCH" else frozenset())


def history_call(user: str, memory_id: str) -> Call[Page]:
    """Every version of a memory."""
    return Call("GET", f"memories/{segment(memory_id)}/history", Page, {"user": user})


def feedback_call(user: str, memory_id: str, feedback: str) -> Call[Record]:
    """What somebody thinks of a memory."""
    return Call("POST", f"memories/{segment(memory_id)}/feedback", Record, {"user": user, "feedback": feedback})


def resolve_call(user: str, conflict_id: str, choice: str) -> Call[Record]:
    """Settle a conflict."""
    return Call("POST", f"conflicts/{segment(conflict_id)}", Record, {"user": user, "choice": choice})


def graph_call(user: str, keywords: GraphKeywords) -> Call[Graph]:
    """The knowledge graph."""
    return Call("GET", "graph", Graph, {"user": user, **keywords})


def _listed(words: MemoryWords) -> dict[str, Any]:
    fields: dict[str, Any] = dict(words)
    if "sources" in fields:
        fields["sources"] = list(fields["sources"])
    return fields


class MemoriesResource(Sender):
    """``client.memory.memories``."""

    def list(self, user: str, **choice: Unpack[MemoryChoice]) -> Page:
        """One page of what is known and stored of a user."""
        return self._run(list_call(user, choice))

    def add(self, user: str, **words: Unpack[MemoryWords]) -> Record:
        """Remember something: in your own words, or with ``sources``, messages that say so."""
        return self._run(add_call(user, words))

    def get(self, user: str, memory_id: str) -> Record:
        """One memory, summary or message; ``openai.NotFoundError`` where there is none."""
        return self._run(one_call("GET", user, memory_id))

    def edit(self, user: str, memory_id: str, **words: Unpack[MemoryWords]) -> Record:
        """Have a memory say something else, from a new version on."""
        return self._run(one_call("PATCH", user, memory_id, _listed(words)))

    def pin(self, user: str, memory_id: str) -> Record:
        """Tell it whenever its messages come up, and first in the profile."""
        return self._run(one_call("PATCH", user, memory_id, {"is_pinned": True}))

    def unpin(self, user: str, memory_id: str) -> Record:
        """No longer."""
        return self._run(one_call("PATCH", user, memory_id, {"is_pinned": False}))

    def expire(self, user: str, memory_id: str, at: str | datetime | None) -> Record:
        """Do not recall it from a moment on; None: for ever."""
        return self._run(one_call("PATCH", user, memory_id, {"expires_at": at}))

    def feedback(self, user: str, memory_id: str, feedback: str) -> Record:
        """Say that it is ``useful``, ``wrong`` or ``outdated``, or that it is ``never_use``."""
        return self._run(feedback_call(user, memory_id, feedback))

    def history(self, user: str, memory_id: str) -> Page:
        """Every version of a memory, oldest first."""
        return self._run(history_call(user, memory_id))

    def delete(self, user: str, memory_id: str, *, with_sources: bool = False) -> Record:
        """Delete a memory (and the messages that it rests on), or a message and all that only it supported."""
        return self._run(one_call("DELETE", user, memory_id, {"with_sources": with_sources or None}))


class AsyncMemoriesResource(AsyncSender):
    """As :class:`MemoriesResource`, awaited."""

    async def list(self, user: str, **choice: Unpack[MemoryChoice]) -> Page:
        """One page of what is known and stored of a user."""
        return await self._run(list_call(user, choice))

    async def add(self, user: str, **words: Unpack[MemoryWords]) -> Record:
        """Remember something: in your own words, or with ``sources``, messages that say so."""
        return await self._run(add_call(user, words))

    async def get(self, user: str, memory_id: str) -> Record:
        """One memory, summary or message; ``openai.NotFoundError`` where there is none."""
        return await self._run(one_call("GET", user, memory_id))

    async def edit(self, user: str, memory_id: str, **words: Unpack[MemoryWords]) -> Record:
        """Have a memory say something else, from a new version on."""
        return await self._run(one_call("PATCH", user, memory_id, _listed(words)))

    async def pin(self, user: str, memory_id: str) -> Record:
        """Tell it whenever its messages come up, and first in the profile."""
        return await self._run(one_call("PATCH", user, memory_id, {"is_pinned": True}))

    async def unpin(self, user: str, memory_id: str) -> Record:
        """No longer."""
        return await self._run(one_call("PATCH", user, memory_id, {"is_pinned": False}))

    async def expire(self, user: str, memory_id: str, at: str | datetime | None) -> Record:
        """Do not recall it from a moment on; None: for ever."""
        return await self._run(one_call("PATCH", user, memory_id, {"expires_at": at}))

    async def feedback(self, user: str, memory_id: str, feedback: str) -> Record:
        """Say that it is ``useful``, ``wrong`` or ``outdated``, or that it is ``never_use``."""
        return await self._run(feedback_call(user, memory_id, feedback))

    async def history(self, user: str, memory_id: str) -> Page:
        """Every version of a memory, oldest first."""
        return await self._run(history_call(user, memory_id))

    async def delete(self, user: str, memory_id: str, *, with_sources: bool = False) -> Record:
        """Delete a memory (and the messages that it rests on), or a message and all that only it supported."""
        return await self._run(one_call("DELETE", user, memory_id, {"with_sources": with_sources or None}))


class ConflictsResource(Sender):
    """``client.memory.conflicts``."""

    def list(self, user: str) -> Page:
        """What contradicts itself and waits for an answer, with the choices."""
        return self._run(Call("GET", "conflicts", Page, {"user": user}))

    def resolve(self, user: str, conflict_id: str, choice: str) -> Record:
        """Say which memory is right, by its id, or ``both``."""
        return self._run(resolve_call(user, conflict_id, choice))


class AsyncConflictsResource(AsyncSender):
    """As :class:`ConflictsResource`, awaited."""

    async def list(self, user: str) -> Page:
        """What contradicts itself and waits for an answer, with the choices."""
        return await self._run(Call("GET", "conflicts", Page, {"user": user}))

    async def resolve(self, user: str, conflict_id: str, choice: str) -> Record:
        """Say which memory is right, by its id, or ``both``."""
        return await self._run(resolve_call(user, conflict_id, choice))
