"""A pipeline over the in-memory store, a recaller that quotes what it is told to, and an upstream in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from recollect.domain.controls import Controls
from recollect.domain.profile import Profile
from recollect.domain.recall import GateVerdict, Hit, MemoryStatus, RecallResult
from recollect.exchange.authenticate import Authenticator
from recollect.exchange.capture import Capturer
from recollect.exchange.forward import Forwarder
from recollect.exchange.inject import Injector
from recollect.exchange.pipeline import Pipeline, PipelineSettings, Stages
from recollect.exchange.ports import IncomingRequest
from recollect.exchange.recall import Deadlines, RecallStage
from recollect.exchange.remember import Rememberer
from recollect.exchange.resolve import Resolver
from recollect.providers.base import Route
from recollect.providers.fallbacks import FallbackSender
from recollect.providers.health import Health
from recollect.providers.retries import RetryingUpstream, RetryPolicy
from recollect.providers.router import Plan, Way
from recollect.providers.routes import Target
from recollect.stores.in_memory import in_memory_store
from recollect.stores.spool import Spool


class Clock:
    """A time that only moves when told to."""

    def __init__(self):
        self.time = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(milliseconds=1)
        return self.time

    def advance(self, seconds):
        self.time += timedelta(seconds=seconds)


@dataclass
class Reply:
    """What an upstream answers. ``fails_after`` chunks it raises ``error``."""

    body: list[bytes]
    status: int = 200
    headers: tuple = ((b"content-type", b"application/json"),)
    error: Exception | None = None
    is_closed: bool = False

    async def chunks(self):
        for chunk in self.body:
            yield chunk
        if self.error:
            raise self.error

    async def close(self):
        self.is_closed = True


@dataclass
class RecordingUpstream:
    """Answers from a list, and keeps what it was sent."""

    replies: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    async def send(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0) if self.replies else chat_reply("ok")
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self):
        pass


def chat_reply(text):
    message = b'{"role":"assistant","content":"%s"}' % text.encode()
    choice = b'{"index":0,"message":%s,"finish_reason":"stop"}' % message
    return Reply([b'{"id":"c1","object":"chat.completion","choices":[%s]}' % choice])


class QuotingRecaller:
    """Selects the stored messages that hold a word of the query."""

    def __init__(self, store):
        self.store = store
        self.requests = []

    async def recall(self, vault, request):
        self.requests.append(request)
        words = {word.strip("?.,!").lower() for word in request.query.split() if len(word) > 3}
        delta = await self.store.index.changes(vault, epoch=0, after=0)
        present = {row.number for row in delta.messages if row.fingerprint in request.present}
        messages = [
            message
            for message in await self.store.messages.list_messages(vault, limit=100)
            if message.number not in present
        ]
        hits = tuple(
            Hit("passage", message, 0, len(message.text), 1.0, 5)
            for message in messages
            if words & set(message.text.lower().replace(".", "").split()) and message.number not in request.excluded
        )
        status = MemoryStatus.INJECTED if hits else MemoryStatus.EMPTY
        return RecallResult(status, hits, hits, GateVerdict(is_open=bool(hits), reason="test"))

    def forget(self, vault):
        pass


class StillWorker:
    def __init__(self):
        self.notified = 0

    def notify(self):
        self.notified += 1

    async def wait_indexed(self, vault, timeout_s):
        return True


class FixedRouter:
    """Leads to one provider; ``others`` are models that are tried behind it."""

    others = ()

    def __init__(self):
        self.asked = []

    def plan(self, request):
        self.asked.append(request)
        url = f"http://provider/v1/{request.path}"
        ways = [Way("openai", Target("first"), Route("openai", url, None))]
        ways += [Way(name, Target(name), Route("openai", url, name)) for name in self.others]
        return Plan(tuple(ways))


async def no_pause(_seconds):
    """What is slept between tries."""


class NoBuiltIn:
    def serves(self, model):
        return False


class NoCatalogue:
    async def list_models(self, provider_key, project_keys):
        return b'{"object":"list","data":[]}'


class Sink:
    """What the client saw."""

    def __init__(self):
        self.status = None
        self.headers = {}
        self.chunks = []
        self.ended = False
        self.aborted = False

    async def start(self, status, headers):
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}

    async def send(self, chunk):
        self.chunks.append(chunk)

    async def end(self, last=b""):
        if last:
            self.chunks.append(last)
        self.ended = True

    async def abort(self):
        self.aborted = True

    @property
    def body(self):
        return b"".join(self.chunks)


class KnownPerson:
    """Knows whatever a test says is known."""

    def __init__(self):
        self.lines = ()
        self.sources = ()

    async def profile(self, vault, at):
        return Profile(self.lines, self.sources)


class Gateway:
    """The pipeline with everything around it within reach."""

    def __init__(self, tmp_path):
        self.person = KnownPerson()
        self.clock = Clock()
        self.store = in_memory_store()
        self.upstream = RecordingUpstream()
        self.recaller = QuotingRecaller(self.store)
        self.worker = StillWorker()
        self.spool = Spool(tmp_path / "spool")
        self.capturer = Capturer(self.store, self.spool, self.clock)
        self.resolver = Resolver(self.store.vaults, self.store.sessions)
        self.router = FixedRouter()
        self.rest = no_pause
        retrying = RetryingUpstream(self.upstream, RetryPolicy(), sleep=self.pause)
        self.pipeline = Pipeline(
            Stages(
                Authenticator(self.store.keys),
                self.resolver,
                RecallStage(
                    self.recaller, self.store.injections, self.store.messages, Deadlines(), profiles=self.person
                ),
                Injector(),
                Forwarder(self.router, FallbackSender(retrying, Health()), NoBuiltIn()),
                self.capturer,
                Rememberer(self.worker, self.store.traces, self.store.vaults),
            ),
            NoCatalogue(),
            PipelineSettings(Controls(), 1_000_000, self.clock, lambda _model: None),
        )

    def use(self, credentials):
        """Give the gateway what it holds of projects' keys."""
        stages = self.pipeline._stages
        self.pipeline._stages = replace(stages, forward=replace(stages.forward, credentials=credentials))

    async def pause(self, seconds):
        await self.rest(seconds)

    async def post(self, body, *, path="chat/completions", headers=(), is_loopback=True, query=""):
        sink = Sink()
        fields = ((b"content-type", b"application/json"), *headers)
        request = IncomingRequest("POST", path, query, tuple(fields), body, client_is_loopback=is_loopback)
        await self.pipeline.handle(request, sink)
        await self.pipeline.drain()
        return sink

    async def texts(self, user="default", *, is_live=None):
        vault = await self.store.vaults.open_vault("default", user, may_create=False)
        if vault is None:
            return []
        messages = await self.store.messages.list_messages(vault.id, limit=1000)
        return [message.text for message in messages if is_live is None or message.is_live is is_live]


@pytest.fixture
def gateway(tmp_path):
    return Gateway(tmp_path)
