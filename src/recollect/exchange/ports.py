"""What the exchange needs from outside, and what it is handed: no framework, no socket."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from recollect.errors import PayloadTooLargeError
from recollect.exchange.head import RequestHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from recollect.domain.capture import Capture
    from recollect.domain.ids import VaultId
    from recollect.domain.profile import Profile
    from recollect.domain.recall import RecallRequest, RecallResult
    from recollect.domain.requests import RequestRecord
    from recollect.providers.base import Headers, UpstreamReply
    from recollect.providers.router import Plan


class IncomingRequest(NamedTuple):
    """One HTTP request to the OpenAI surface.

    ``path`` is what stands behind ``/v1/`` (``chat/completions``); ``forward_target`` what follows
    ``/forward/``: the upstream's URL with its path, None in router style. ``body`` is complete for JSON, an
    iterator of chunks for anything else. ``on_end`` is told what the exchange came to. ``known`` is the head that its
    connection read before, of a request with the same headers.
    """

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes | AsyncIterator[bytes]
    forward_target: str | None = None
    client_is_loopback: bool = False
    on_end: Callable[[RequestRecord], None] | None = None
    known: RequestHead | None = None

    @property
    def head(self) -> RequestHead:
        """The headers, and what is known of them."""
        return self.known or RequestHead(self.headers)

    def header(self, name: bytes) -> str | None:
        """The first field of that (lower-case) name, as text."""
        for found, value in self.headers:
            if found == name:
                return value.decode("latin-1")
        return None

    async def whole_body(self, most_bytes: int) -> bytes:
        """All of the body; PayloadTooLargeError where chunks come to more."""
        if isinstance(self.body, bytes):
            return self.body
        parts: list[bytes] = []
        size = 0
        async for chunk in self.body:
            size += len(chunk)
            if size > most_bytes:
                message = f"The body is larger than {most_bytes} bytes, the limit of this gateway."
                raise PayloadTooLargeError(message)
            parts.append(chunk)
        return b"".join(parts)


class ReplySink(Protocol):
    """The way back to the client."""

    def start(self, status: int, headers: Headers) -> Awaitable[None]:
        """Send the head."""

    def send(self, chunk: bytes) -> Awaitable[None]:
        """Send some of the body."""

    def end(self, last: bytes = b"") -> Awaitable[None]:
        """The body is complete with these bytes."""

    def abort(self) -> Awaitable[None]:
        """Break the connection, so that the client sees that the body is not complete."""


class Recaller(Protocol):
    """Ranks a vault against a question."""

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Never raises for a store or a model that fails: the status says so."""

    def forget(self, vault: VaultId) -> None:
        """Drop what is held in memory of a vault."""


class ProfileSource(Protocol):
    """Knows what is so of the person whose vault it is."""

    async def profile(self, vault: VaultId, at: datetime) -> Profile:
        """The profile at a moment; empty where nothing is known. StoreUnavailableError passes."""


class Spooler(Protocol):
    """Keeps captures safe while the store is away."""

    async def append(self, capture: Capture) -> None:
        """Durable when it returns."""

    def pending(self) -> int:
        """How many captures wait."""


class Indexing(Protocol):
    """The background worker, as far as the exchange knows it."""

    def notify(self) -> None:
        """There is new work."""

    async def wait_indexed(self, vault: VaultId, timeout_s: float) -> bool:
        """Wait until nothing of the vault is pending; False when the time is over first."""


class Watcher(Protocol):
    """Is told of every exchange once it is over."""

    def ended(self, record: RequestRecord) -> None:
        """Take note. Never raises, and never waits: it is on the path of every request."""


class Span(Protocol):
    """One exchange in a distributed trace."""

    def outgoing(self, headers: Headers) -> Headers:
        """Headers as they go to the provider: this trace's context in place of the client's."""

    def end(self, record: RequestRecord) -> None:
        """The exchange is over. Never raises, and never waits."""


class Tracer(Protocol):
    """Begins spans."""

    def begin(self, request: IncomingRequest, at_s: float) -> Span:
        """The span of an exchange that began then (seconds since the epoch)."""


class Router(Protocol):
    """Picks the upstreams of one exchange."""

    def plan(self, request: RouteRequest) -> Plan:
        """Where to send it; raises RequestError where that cannot be told or is not allowed."""


class RouteRequest(NamedTuple):
    """What routing depends on. ``provider_key`` is the credential that the client sent, if any; ``project_keys`` are
    the project's own, by provider."""

    path: str
    query: str
    model: str | None
    forward_target: str | None
    provider_key: str | None
    project_keys: Mapping[str, str] = MappingProxyType({})


class BuiltInModel(Protocol):
    """The model that answers from memories alone."""

    def serves(self, model: str | None) -> bool:
        """Whether this model name means the built-in one."""

    def answer(
        self,
        dialect: str,
        *,
        model: str,
        is_streamed: bool,
        quotes: Sequence[str],
        question: str,
        includes_usage: bool = False,
    ) -> UpstreamReply:
        """A complete reply in that dialect; ``includes_usage`` as ``stream_options.include_usage`` asks."""


class Catalogue(Protocol):
    """The models of every provider that has a key."""

    async def list_models(self, provider_key: str | None, project_keys: Mapping[str, str]) -> bytes:
        """The body of ``GET /v1/models``."""

    async def find_model(self, model: str, provider_key: str | None, project_keys: Mapping[str, str]) -> bytes:
        """The body of ``GET /v1/models/{id}``; NotFoundError where nobody has it."""
