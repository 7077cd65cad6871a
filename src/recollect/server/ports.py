"""What the server needs of the gateway behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from recollect.providers.base import SocketUpstream, Upstream

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from recollect.accounting.book import UsageBook
    from recollect.domain.calls import (
        IngestCall,
        IngestResult,
        PrepareCall,
        PrepareResult,
        ReplayAnswer,
        ReplayCall,
        SearchCall,
        SearchResult,
    )
    from recollect.domain.controls import Controls
    from recollect.domain.ids import ProjectId, SessionNumber, VaultId
    from recollect.domain.keys import Principal
    from recollect.exchange.authenticate import Authentication
    from recollect.exchange.credentials import Credentials
    from recollect.exchange.ports import IncomingRequest, ReplySink
    from recollect.providers.base import Headers
    from recollect.remembering.editing import MemoryEditor
    from recollect.remembering.knowledge import Knowledge
    from recollect.settings import Settings
    from recollect.stores.base import Store

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


class ExchangeHandler(Protocol):
    """Answers requests to the OpenAI surface."""

    async def handle(self, request: IncomingRequest, sink: ReplySink) -> None:
        """Answer one request. An ApiError raised before the head was sent is the server's to render."""

    def over(self, upstream: Upstream) -> ExchangeHandler:
        """The same handler with another way to the provider."""


class SpeaksBoth(Upstream, SocketUpstream, Protocol):
    """HTTP and WebSocket."""


class MemorySurface(Protocol):
    """Answers the calls that rank and store."""

    async def ingest(self, principal: Principal, call: IngestCall) -> IngestResult:
        """Store messages."""

    async def search(self, principal: Principal, call: SearchCall) -> SearchResult:
        """Rank a vault against a question."""

    async def prepare(self, principal: Principal, call: PrepareCall) -> PrepareResult:
        """Put the block into a request that its caller will send."""


class Replays(Protocol):
    """Answers kept requests anew."""

    async def replay(self, principal: Principal, call: ReplayCall) -> list[ReplayAnswer]:
        """An answer for each way of remembering."""


class Authenticates(Protocol):
    """Tells who calls."""

    async def authenticate(self, headers: Headers, *, is_loopback: bool) -> Authentication:
        """The caller; AuthenticationError or PermissionDeniedError otherwise."""


class ErasesWaiting(Protocol):
    """Holds captures that wait for the store."""

    async def erase_user(self, project: ProjectId, user: str) -> int:
        """Remove a user's; how many there were. StoreUnavailableError where they are being stored for too long."""


class ForgetsVaults(Protocol):
    """Holds indexes of vaults in memory."""

    def forget(self, vault: VaultId) -> None:
        """Drop what is held of a vault."""


class Extracts(Protocol):
    """Reads sessions in the background."""

    def notify(self) -> None:
        """A session was made due: do not wait for the next poll."""

    def names(self, project: ProjectId) -> tuple[str, ...]:
        """The extractors that read a project's sessions."""

    async def wait_read(self, vault: VaultId, session: SessionNumber | None, timeout_s: float) -> bool:
        """Wait until a session, or every one of the vault, is read; False when the time is over first, or where it
        cannot be read."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What ``/readyz`` tells. ``embedder`` is the model's id, "none" for lexical recall; ``problems`` are sentences,
    and any of them makes the gateway not ready. ``notes`` are worth knowing, and nothing more. ``resting`` counts the
    upstreams that are left alone for a while, because they failed, by provider.
    """

    embedder: str
    spooled: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    resting: Mapping[str, int] = field(default_factory=dict)


class Gateway(Protocol):
    """One running gateway: built by the composition root, opened and closed by whoever serves it."""

    @property
    def pipeline(self) -> ExchangeHandler:
        """The OpenAI surface."""

    @property
    def upstream(self) -> SpeaksBoth:
        """The way to providers."""

    @property
    def calls(self) -> MemorySurface:
        """Ingest, search and prepare."""

    @property
    def replayer(self) -> Replays:
        """Replay."""

    @property
    def authenticator(self) -> Authenticates:
        """Memory keys."""

    @property
    def credentials(self) -> Credentials:
        """Projects' own keys for providers."""

    @property
    def book(self) -> UsageBook:
        """What exchanges took, on its way into the store."""

    @property
    def store(self) -> Store:
        """The database."""

    @property
    def spool(self) -> ErasesWaiting:
        """What could not be stored yet."""

    @property
    def engine(self) -> ForgetsVaults:
        """The indexes held in memory."""

    @property
    def knowledge(self) -> Knowledge:
        """What is known of each vault."""

    @property
    def editor(self) -> MemoryEditor:
        """What people do to memories."""

    @property
    def extraction(self) -> Extracts:
        """The worker that has sessions read."""

    @property
    def defaults(self) -> Controls:
        """The controls of a request that sets none."""

    async def readiness(self) -> Readiness:
        """Whether requests would be served with memory now. Never raises."""

    async def settle(self) -> None:
        """Write what waits in memory and need not be waited for, so that it can be read."""

    async def start(self) -> None:
        """Begin background work. Called once, on the event loop that serves."""

    async def retire(self, is_idle: asyncio.Event) -> None:
        """Give way to a gateway that was opened in its place; whom it serves it serves to the end (``is_idle``)."""

    async def close(self) -> None:
        """Finish what was accepted, then release everything."""


class OpenGateway(Protocol):
    """Builds gateways."""

    async def __call__(self, settings: Settings, before: Any = None, /) -> Gateway:  # noqa: ANN401 - one of its own
        """A gateway that has not started; RecollectError where the settings do not allow one.

        ``before`` is the one that it takes over from: they share what is costly to open, and the database.
        """
