"""A gateway whose pipeline does what a test tells it, on the public in-memory store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

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
from recollect.domain.capture import AtHead, Capture
from recollect.domain.controls import Controls
from recollect.domain.ids import ProjectId, SessionName, TraceId
from recollect.domain.keys import Principal
from recollect.domain.memories import ConflictPolicy
from recollect.domain.messages import NewMessage
from recollect.domain.recall import Hit, MemoryStatus, RecallResult
from recollect.exchange.authenticate import Authenticator
from recollect.exchange.credentials import Credentials
from recollect.exchange.ports import IncomingRequest, ReplySink
from recollect.providers.key_safe import KeySafe, new_secret
from recollect.providers.registry import load_registry
from recollect.remembering.editing import MemoryEditor
from recollect.remembering.knowledge import Knowledge
from recollect.server.app import GatewayApp
from recollect.server.ports import Readiness
from recollect.settings import Settings, load_settings
from recollect.stores.in_memory import in_memory_store

PROJECT = ProjectId("default")
Handler = Callable[[IncomingRequest, ReplySink], Awaitable[None]]


async def answer_ok(request: IncomingRequest, sink: ReplySink) -> None:
    await sink.start(200, ((b"content-type", b"application/json"), (b"content-length", b"2")))
    await sink.send(b"{}")
    await sink.end()


class FakePipeline:
    """Records what it is handed, and answers with the test's handler."""

    def __init__(self) -> None:
        self.handler: Handler = answer_ok
        self.requests: list[IncomingRequest] = []
        self.cancelled = asyncio.Event()

    async def handle(self, request: IncomingRequest, sink: ReplySink) -> None:
        self.requests.append(request)
        try:
            await self.handler(request, sink)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    @property
    def request(self) -> IncomingRequest:
        return self.requests[-1]


class FakeCalls:
    """Records the calls that were parsed."""

    def __init__(self, store) -> None:
        self.store = store
        self.ingested: list[tuple[Principal, IngestCall]] = []
        self.searched: list[tuple[Principal, SearchCall]] = []
        self.prepared: list[tuple[Principal, PrepareCall]] = []
        self.hits: tuple[Hit, ...] = ()

    async def ingest(self, principal: Principal, call: IngestCall) -> IngestResult:
        self.ingested.append((principal, call))
        return IngestResult(stored=len(call.messages), duplicates=0, session_id=SessionName("s1"), is_indexed=True)

    async def search(self, principal: Principal, call: SearchCall) -> SearchResult:
        self.searched.append((principal, call))
        return SearchResult(RecallResult(MemoryStatus.INJECTED, ranking=self.hits), TraceId("trc_1"))

    async def prepare(self, principal: Principal, call: PrepareCall) -> PrepareResult:
        self.prepared.append((principal, call))
        return PrepareResult("block", self.hits, 7, call.body, SessionName("s1"), TraceId("trc_2"))


class FakeReplayer:
    """Answers every way with its name."""

    def __init__(self) -> None:
        self.calls: list[ReplayCall] = []

    async def replay(self, principal: Principal, call: ReplayCall) -> list[ReplayAnswer]:
        self.calls.append(call)
        return [ReplayAnswer(way, 200, 1.0, text=way.name) for way in call.ways]


class FakeEngine:
    def __init__(self) -> None:
        self.forgotten: list[int] = []

    def forget(self, vault) -> None:
        self.forgotten.append(vault)


class FakeExtraction:
    def __init__(self) -> None:
        self.notified = 0
        self.waited: list[tuple[int, int | None]] = []

    def notify(self) -> None:
        self.notified += 1

    def names(self, project: ProjectId) -> tuple[str, ...]:
        return ("rules", "llm")

    async def wait_read(self, vault, session, timeout_s: float) -> bool:
        self.waited.append((vault, session))
        return True


class FakeSpool:
    def __init__(self) -> None:
        self.waiting: list[tuple[ProjectId, str]] = []

    async def erase_user(self, project: ProjectId, user: str) -> int:
        before = len(self.waiting)
        self.waiting = [one for one in self.waiting if one != (project, user)]
        return before - len(self.waiting)


@dataclass
class FakeGateway:
    store: object = field(default_factory=in_memory_store)
    spool: FakeSpool = field(default_factory=FakeSpool)
    pipeline: FakePipeline = field(default_factory=FakePipeline)
    engine: FakeEngine = field(default_factory=FakeEngine)
    replayer: FakeReplayer = field(default_factory=FakeReplayer)
    extraction: FakeExtraction = field(default_factory=FakeExtraction)
    defaults: Controls = field(default_factory=Controls)
    state: Readiness = field(default_factory=lambda: Readiness(embedder="none"))
    settled: int = 0
    is_started: bool = False
    is_retired: bool = False
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.calls = FakeCalls(self.store)
        self.knowledge = Knowledge(self.store.knowledge, policy=ConflictPolicy.ASK)
        self.captured = 0
        self.editor = MemoryEditor(self.store, self.knowledge, self.clock, self.count_capture, self.extraction.notify)
        self.book = UsageBook(self.store.usage)
        self.authenticator = Authenticator(self.store.keys)
        safe = KeySafe.from_texts([new_secret()])
        self.credentials = Credentials(self.store.credentials, load_registry(), lambda: safe)

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def count_capture(self) -> None:
        self.captured += 1

    async def readiness(self) -> Readiness:
        return self.state

    async def settle(self) -> None:
        self.settled += 1

    async def start(self) -> None:
        self.is_started = True

    async def retire(self, is_idle: asyncio.Event) -> None:
        await is_idle.wait()
        self.is_retired = True

    async def close(self) -> None:
        await self.book.close()
        self.is_closed = True


def some_settings(**flags: object) -> Settings:
    return load_settings({"data_dir": "/nowhere", **flags}, environ={}, config=Path(__file__).parent / "empty.toml")


@asynccontextmanager
async def running(gateway: FakeGateway, **flags: object) -> AsyncIterator[GatewayApp]:
    async def opened(settings: Settings) -> FakeGateway:
        return gateway

    app = GatewayApp(some_settings(**flags), opened)
    await app.startup()
    try:
        yield app
    finally:
        await app.shutdown()


@dataclass
class Reply:
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    is_complete: bool = False

    def header(self, name: str) -> str | None:
        return next((value.decode() for key, value in self.headers if key == name.encode()), None)


async def exchange(
    app: GatewayApp,
    method: str,
    target: str,
    *,
    body: bytes | list[bytes] = b"",
    headers: dict[str, str] | None = None,
    client: tuple[str, int] | None = ("127.0.0.1", 5),
    leaves: asyncio.Event | None = None,
) -> Reply:
    """One request at the level of ASGI. The client leaves when ``leaves`` is set."""
    path, _, query = target.partition("?")
    fields = {"host": "localhost:8000", **{name.lower(): value for name, value in (headers or {}).items()}}
    chunks = [body] if isinstance(body, bytes) else list(body)
    if body and "content-length" not in fields and isinstance(body, bytes):
        fields["content-length"] = str(len(body))
    elif not isinstance(body, bytes):
        fields["transfer-encoding"] = "chunked"
    reply = Reply()
    done = asyncio.Event()

    async def receive() -> dict[str, object]:
        if chunks:
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}
        await (leaves or done).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            reply.status, reply.headers = message["status"], list(message["headers"])
            return
        reply.body += message.get("body", b"")
        if not message.get("more_body"):
            reply.is_complete = True
            done.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields.items()],
        "client": client,
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    return reply


async def store_messages(gateway: FakeGateway, user: str, *texts: str, session: str = "s1") -> list[str]:
    """Put messages into the store; their ids on the wire."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    receipt = await gateway.store.messages.capture(
        Capture(
            project=PROJECT,
            user=user,
            session=SessionName(session),
            anchor=AtHead(),
            messages=tuple(NewMessage("user", text, moment) for text in texts),
            captured_at=moment,
        )
    )
    return [f"msg_{identifier.hex()}" for identifier in receipt.ids]
