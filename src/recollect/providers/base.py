"""The promise of an upstream: send one request, stream one reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OAUTH_TOKEN = "sk-ant-oat"  # noqa: S105 - how the tokens begin that a subscriber of Claude Code has instead of a key
Headers = tuple[tuple[bytes, bytes], ...]
"""Header fields in order; names in lower case, repeated fields kept apart."""


class UpstreamRequest(NamedTuple):
    """One request as it is to leave the house.

    ``url`` is absolute. ``body`` is complete bytes, or an async iterator of chunks for pass-through uploads.
    ``is_pinned``: the address was checked against the allow-list and must be checked again at connect time
    (DNS rebinding) and on redirects, which are never followed. ``provider`` is the registry's name, where it is known:
    two providers may share a base URL, and speak different dialects. ``project`` is whose cache may answer instead.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | AsyncIterator[bytes] | None = None
    is_pinned: bool = False
    provider: str | None = None
    project: str | None = None


class UpstreamReply(Protocol):
    """A reply whose head has arrived."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Headers:
        """As received, hop-by-hop fields removed."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as received (still compressed), chunk by chunk. Raises UpstreamBrokenError where it breaks off."""

    async def close(self) -> None:
        """Stop: a reply that is not read to its end cancels the upstream call. Safe to call twice."""


class Upstream(Protocol):
    """Raises UpstreamConnectError, UpstreamTimeoutError; an HTTP error status is a reply, not an exception."""

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """Send and wait for the head of the reply."""

    async def close(self) -> None:
        """Close idle connections."""


class UpstreamSocket(Protocol):
    """An open WebSocket to a provider (``/responses`` and ``/realtime`` speak so)."""

    @property
    def subprotocol(self) -> str | None:
        """What the provider chose of what was offered."""

    @property
    def close_code(self) -> int | None:
        """Why it was closed (RFC 6455 7.4), once ``messages`` has ended; None where the connection just broke."""

    async def send(self, message: str | bytes) -> None:
        """Send one message. UpstreamBrokenError where it is closed."""

    def messages(self) -> AsyncIterator[str | bytes]:
        """Whole messages as they come, until either side closes."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye. Safe to call twice."""


class SocketUpstream(Protocol):
    """An upstream that also speaks WebSocket."""

    async def connect_websocket(self, request: UpstreamRequest) -> UpstreamSocket | UpstreamReply:
        """Open one, as ``send`` would; the provider's reply where it refuses to switch."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A registry entry, as data.

    ``key_header`` and ``key_prefix`` say how the key is sent (``authorization``/``Bearer ``, ``api-key``/"").
    ``path_style`` is ``openai`` (base URL + ``/chat/completions``), ``azure`` (deployment in the path) or ``anthropic``
    (as ``openai``, with Anthropic's Messages API). ``dialects`` are what it speaks itself: the rest goes over bridges.
    ``key_env`` are environment variables that may hold the key, first one set wins; a local server needs none.
    ``aliases`` are other spellings of the name. ``has_slashed_models``: its own models contain slashes, so a name with
    an unknown prefix is left to it. ``forward_hosts`` are hosts besides the base URL's that forward style may reach
    (``*.example.com`` for every name below). ``base_url`` is "" where only the operator can know it; ``base_urls`` are
    all of several, over which models are spread. ``is_configured``: the settings add or change it.
    ``has_stream_usage``: it understands ``stream_options.include_usage``.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...] = ()
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    path_style: str = "openai"
    dialects: frozenset[str] = frozenset({"chat/completions"})
    needs_key: bool = True
    api_version: str | None = None
    extra_headers: tuple[tuple[str, str], ...] = field(default=())
    aliases: tuple[str, ...] = ()
    has_slashed_models: bool = False
    forward_hosts: tuple[str, ...] = ()
    is_configured: bool = False
    has_stream_usage: bool = False
    base_urls: tuple[str, ...] = ()

    @property
    def all_base_urls(self) -> tuple[str, ...]:
        """Where it can be reached; the first one is ``base_url``."""
        return self.base_urls or (self.base_url,)


@dataclass(frozen=True, slots=True)
class Route:
    """Where one exchange goes.

    A provider (None in forward style), its URL for this path, the model as the provider spells it (None: leave the
    body's), and the credential headers to add.
    """

    provider: str | None
    url: str
    model: str | None
    credentials: Headers = ()
    is_pinned: bool = False
