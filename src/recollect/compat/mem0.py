"""``from recollect.compat.mem0 import Mem0``: Mem0's OpenAI-compatible client on a Recollect gateway.

Only the import changes: ``client.chat.completions.create(messages=…, model=…, user_id=…, agent_id=…, run_id=…,
metadata=…, filters=…, limit=…)`` and the client's own ``add``, ``search``, ``get``, ``get_all``, ``update``,
``history``, ``feedback`` and ``delete`` work as there.
A call without any id is answered without memory, as Mem0's page advises for one-off calls.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from recollect.client import Recollect
from recollect.client.chat import Chat, Completions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from recollect.client.memory_types import Record


class Scope(TypedDict, total=False):
    """Whose memory a call is about; at least one is needed."""

    user_id: str | None
    agent_id: str | None
    run_id: str | None


class SearchScope(Scope, total=False):
    """A scope, and how to search in it. ``top_k`` and ``limit`` are the same."""

    filters: Mapping[str, object] | None
    limit: int
    top_k: int


class UpdateScope(Scope, total=False):
    """A scope, and the new words."""

    text: str


MOST_OWNERS = 10_000
FEEDBACK = {"POSITIVE": "useful", "NEGATIVE": "wrong", "VERY_NEGATIVE": "never_use"}


class Mem0Completions(Completions):
    """``client.chat.completions``."""

    def create(self, **arguments: Any) -> Any:
        """Create a completion; without ``user_id``, ``agent_id`` or ``run_id``, one that is not remembered."""
        if "top_k" in arguments:
            arguments.setdefault("limit", arguments.pop("top_k"))
        if not any(arguments.get(name) for name in ("user_id", "agent_id", "run_id", "user")):
            arguments.setdefault("memory_mode", "off")
        elif not arguments.get("user"):
            arguments["user_id"] = _user(arguments)
        return super().create(**arguments)


class Mem0Chat(Chat):
    """``client.chat``."""

    @cached_property
    def completions(self) -> Mem0Completions:
        """Chat completions."""
        return Mem0Completions(self._client)


class Mem0Memory:
    """What Mem0 calls a memory client. Every method needs one of ``user_id``, ``agent_id`` and ``run_id``, unless it
    names a memory that this client has listed or found."""

    def __init__(self, client: Recollect) -> None:
        """Take the client that speaks to the gateway."""
        self._client = client
        self._owners: OrderedDict[str, str] = OrderedDict()

    def add(self, messages: str | Iterable[Mapping[str, object]], **scope: Unpack[Scope]) -> dict[str, Any]:
        """Store messages; a string is one message of the user. Returns once they can be found."""
        said = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        receipt = self._client.memory.ingest(
            _user(scope), said, session_id=scope.get("run_id"), agent_id=scope.get("agent_id"), wait=True
        )
        return {"results": [], "stored": receipt.stored, "duplicates": receipt.duplicates}

    def search(self, query: str, **scope: Unpack[SearchScope]) -> dict[str, Any]:
        """What is remembered about ``query``, best first."""
        limit = scope.get("limit") or scope.get("top_k") or 10
        user, filters = _user_and_filters(scope)
        found = self._client.memory.search(user, query, limit=limit, filters=filters)
        return {"results": self._noted(user, found.data)}

    def get_all(self, **scope: Unpack[SearchScope]) -> dict[str, Any]:
        """What is remembered, ``limit`` of it (100)."""
        user, _ = _user_and_filters(scope)
        page = self._client.memory.memories.list(user, limit=scope.get("limit") or scope.get("top_k") or 100)
        return {"results": self._noted(user, page.data)}

    def get(self, memory_id: str, **scope: Unpack[Scope]) -> dict[str, Any]:
        """One memory of the user."""
        return _as_mem0(self._client.memory.memories.get(self._owner(memory_id, scope), memory_id))

    def update(self, memory_id: str, data: str | None = None, **scope: Unpack[UpdateScope]) -> dict[str, Any]:
        """Have a memory say something else (``data`` or ``text``). What was said, a message, cannot be changed."""
        text = data or scope.get("text") or ""
        self._client.memory.memories.edit(self._owner(memory_id, scope), memory_id, text=text)
        return {"message": "Memory updated successfully!"}

    def history(self, memory_id: str, **scope: Unpack[Scope]) -> list[dict[str, Any]]:
        """What a memory said before, oldest first."""
        versions = self._client.memory.memories.history(self._owner(memory_id, scope), memory_id).data
        return [
            {
                "id": f"{memory_id}:{one['version']}",
                "memory_id": memory_id,
                "old_memory": before["text"] if before else None,
                "new_memory": one["text"],
                "event": "UPDATE" if before else "ADD",
                "created_at": one["recorded_at"],
            }
            for before, one in zip([None, *versions], versions, strict=False)
        ]

    def feedback(self, memory_id: str, feedback: str, **scope: Unpack[Scope]) -> dict[str, Any]:
        """Mem0's ``POSITIVE``, ``NEGATIVE`` and ``VERY_NEGATIVE``, or one of ours."""
        given = FEEDBACK.get(feedback.upper(), feedback)
        self._client.memory.memories.feedback(self._owner(memory_id, scope), memory_id, given)
        return {"message": "Feedback received!"}

    def delete(self, memory_id: str, **scope: Unpack[Scope]) -> dict[str, Any]:
        """Delete one memory of the user."""
        self._client.memory.memories.delete(self._owner(memory_id, scope), memory_id)
        return {"message": "Memory deleted successfully!"}

    def delete_all(self, **scope: Unpack[Scope]) -> dict[str, Any]:
        """Erase everything of the user."""
        self._client.memory.erase_user(_user(scope))
        return {"message": "Memories deleted successfully!"}

    def _noted(self, user: str, items: Sequence[Record]) -> list[dict[str, Any]]:
        """In Mem0's form; whose they are is noted, for calls that name nothing but an id."""
        for item in items:
            self._owners[str(item.get("id"))] = user
        while len(self._owners) > MOST_OWNERS:
            self._owners.popitem(last=False)
        return [_as_mem0(item) for item in items]

    def _owner(self, memory_id: str, scope: Mapping[str, Any]) -> str:
        """Mem0's ids are everybody's, ours are of a vault."""
        if any(scope.get(name) for name in ("user_id", "agent_id", "run_id")):
            return _user(scope)
        if memory_id not in self._owners:
            message = f"Whose memory is {memory_id!r}? Give user_id: this client has not listed or found it before."
            raise ValueError(message)
        return self._owners[memory_id]


class Mem0(Mem0Memory):
    """``Mem0(api_key=…, base_url=…)`` for a gateway, ``Mem0(config={…})`` for one inside this process.

    ``host`` is Mem0's word for ``base_url`` without ``/v1``. Other keywords are those of
    :class:`recollect.Recollect`, which ``client`` is.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        api_key: str | None = None,
        host: str | None = None,
        **options: Any,
    ) -> None:
        """Connect, or start a gateway in this process."""
        if host is not None:
            options.setdefault("base_url", f"{host.rstrip('/')}/v1")
        self.client = Recollect(config=config, api_key=api_key, **options)
        super().__init__(self.client)
        self.mem0_client = Mem0Memory(self.client)
        self.chat = Mem0Chat(self.client)

    def close(self) -> None:
        """Close connections, or stop the gateway in this process."""
        self.client.close()


def _user(scope: Mapping[str, Any]) -> str:
    """The vault: Mem0 keeps users, agents and runs apart, so the first one named is whose memory it is."""
    user = scope.get("user_id") or scope.get("agent_id") or scope.get("run_id")
    if not user:
        message = "One of user_id, agent_id, run_id must be provided."
        raise ValueError(message)
    return str(user)


def _user_and_filters(scope: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    """Mem0's newer calls name the user among the filters, as ``{"AND": [{"user_id": "alice"}, …]}`` too."""
    filters = dict(scope.get("filters") or {})
    for part in filters.pop("AND", ()):
        filters.update(part)
    named = {name: filters.pop(name) for name in ("user_id", "agent_id", "run_id") if name in filters}
    return _user({**named, **{name: value for name, value in scope.items() if value}}), filters


def _as_mem0(item: Record) -> dict[str, Any]:
    names = {"id": "id", "memory": "text", "score": "score", "created_at": "occurred_at"}
    return {theirs: item.get(ours) for theirs, ours in names.items()}
