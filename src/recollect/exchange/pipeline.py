"""One exchange from end to end: the stages, in this order, for every request to the OpenAI surface."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

from recollect.domain.ids import RequestIds
from recollect.domain.recall import MemoryStatus, Strategy
from recollect.errors import (
    ApiError,
    InvalidRequestError,
    ServiceError,
    StoreUnavailableError,
    UpstreamBrokenError,
)
from recollect.exchange.exchange import Exchange, Timed
from recollect.exchange.forward import BUILT_IN_PROVIDER, with_model
from recollect.exchange.progress import telling_sink
from recollect.exchange.reading import ControlsReader, read_prompt
from recollect.exchange.record import tell
from recollect.exchange.relay import FIRST_ERROR_STATUS, CapturingRelay, relay_untouched
from recollect.exchange.resolve import place_without_store, project_of, user_of
from recollect.providers.fallbacks import attempts_text
from recollect.wire.dialects import DIALECTS, dialect_of_url
from recollect.wire.headers import MemoryReport, response_headers
from recollect.wire.json_document import JsonDocument
from recollect.wire.memory_objects import hit_object
from recollect.wire.verbose import add_memories

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from recollect.domain.controls import Controls
    from recollect.domain.ids import ProjectId
    from recollect.domain.keys import Principal
    from recollect.exchange.account import Accountant
    from recollect.exchange.authenticate import Authentication, Authenticator
    from recollect.exchange.capture import Capturer
    from recollect.exchange.exchange import Place
    from recollect.exchange.forward import Forwarder
    from recollect.exchange.inject import Injector
    from recollect.exchange.keeping import Keeper
    from recollect.exchange.ports import Catalogue, IncomingRequest, ReplySink, Tracer, Watcher
    from recollect.exchange.recall import RecallStage
    from recollect.exchange.remember import Rememberer
    from recollect.exchange.resolve import Resolver
    from recollect.providers.base import Headers, Upstream, UpstreamReply
    from recollect.wire.prompt import Dialect

logger = logging.getLogger(__name__)

STAGES = ("authenticate", "resolve", "recall", "inject", "forward", "capture", "remember")
LATE_CAPTURE_S = 1.0
MODEL_BODIES = "application/json"
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a pipeline, in their order."""

    authenticate: Authenticator
    resolve: Resolver
    recall: RecallStage
    inject: Injector
    forward: Forwarder
    capture: Capturer
    remember: Rememberer


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """What the pipeline itself needs to know."""

    defaults: Controls
    max_body_bytes: int
    now: Callable[[], datetime]
    context_window: Callable[[str], int | None]
    watchers: tuple[Watcher, ...] = ()
    tracer: Tracer | None = None
    keeper: Keeper | None = None
    tells_breaks: bool = False


class Pipeline:
    """Carries requests through the stages. One instance serves all; an :class:`Exchange` is made for each."""

    def __init__(
        self, stages: Stages, catalogue: Catalogue, settings: PipelineSettings, accountant: Accountant | None = None
    ) -> None:
        """Take the stages, the catalogue of models, the settings, and who counts; None: nobody does."""
        self._accountant = accountant
        self._ids = RequestIds()
        self._tells_progress = True
        self._stages = stages
        self._catalogue = catalogue
        self._settings = settings
        self._controls = ControlsReader(settings.defaults)
        self._background: set[asyncio.Task[None]] = set()
        self._late_captures: dict[tuple[ProjectId, str], set[asyncio.Task[None]]] = {}

    async def handle(self, request: IncomingRequest, sink: ReplySink) -> None:
        """Answer one request. An ApiError raised before the head was sent is the caller's to render.

        To be cancelled when the client leaves: the upstream call is then cancelled at once, and what was received
        is captured all the same.
        """
        exchange = Exchange(request, self._ids.next(), self._settings.now())
        if self._settings.tracer is not None:
            exchange.span = self._settings.tracer.begin(request, exchange.started_at.timestamp())
        try:
            await self._carry(exchange, sink)
        except ServiceError as error:
            error.headers = (*self._headers(exchange), *error.headers)
            raise
        finally:
            tell(self._settings, exchange, sys.exception())

    async def _carry(self, exchange: Exchange, sink: ReplySink) -> None:
        """Through the stages."""
        request, head = exchange.request, exchange.head
        with Timed(exchange, "authenticate"):
            authentication = self._stages.authenticate.known(head)
            if authentication is None:
                is_loopback = request.client_is_loopback
                authentication = await self._stages.authenticate.authenticate_head(head, is_loopback=is_loopback)
        exchange.principal = authentication.principal
        if not self._stages.forward.has_known_keys(exchange):
            await self._stages.forward.find_keys(exchange)
        if request.method == "GET" and request.forward_target is None and request.path.split("/")[0] == "models":
            await self._answer_models(exchange, sink)
            return
        dialect = DIALECTS.get(_dialect_path(request)) if request.method == "POST" else None
        if dialect is None:
            await self._pass_through(exchange, authentication, sink)
            return
        body = request.body
        if not isinstance(body, bytes):
            body = await request.whole_body(self._settings.max_body_bytes)
        document = JsonDocument.parse(body)
        self._read(exchange, dialect, document, authentication)
        telling = telling_sink(exchange, dialect.name, sink) if self._tells_progress else None
        if telling is None:
            await self._answer(exchange, dialect, document, sink)
            return
        try:
            await self._answer(exchange, dialect, document, telling)
        except ApiError as error:
            if not await telling.fail(error):
                raise

    def _read(
        self, exchange: Exchange, dialect: Dialect, document: JsonDocument, authentication: Authentication
    ) -> None:
        """What a conversation says, and where it goes."""
        exchange.dialect = dialect
        exchange.document = document
        exchange.controls = self._controls.of_conversation(exchange.request, authentication, dialect, document)
        exchange.prompt = prompt = read_prompt(exchange.controls, dialect, document)
        exchange.route = self._stages.forward.route(exchange, prompt.model)

    async def _answer(self, exchange: Exchange, dialect: Dialect, document: JsonDocument, sink: ReplySink) -> None:
        if exchange.memory_is_on:
            await self._remember_before(exchange)
        with Timed(exchange, "inject"):
            self._stages.inject.run(exchange)
            if self._accountant is not None:
                self._accountant.prepare(exchange)
            body = dialect.edit(document, exchange.edit)
        await self._exchange_with_provider(exchange, body, sink)

    def over(self, upstream: Upstream) -> Pipeline:
        """The same pipeline with another way to the provider: for a client whose requests share a WebSocket, in which
        there are no comments."""
        stages = replace(self._stages, forward=self._stages.forward.over(upstream))
        other = Pipeline(stages, self._catalogue, self._settings, self._accountant)
        other._ids = self._ids
        other._tells_progress = False
        other._background = self._background
        other._late_captures = self._late_captures
        return other

    async def settle(self) -> None:
        """Wait, for a moment, for what still goes on behind replies that were given: captures, and traces."""
        if self._background:
            await asyncio.wait(tuple(self._background), timeout=LATE_CAPTURE_S)

    async def drain(self) -> None:
        """Wait for captures of exchanges whose client has left."""
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    async def _remember_before(self, exchange: Exchange) -> None:
        """Resolve and recall; a store that fails takes memory from the request, and nothing else."""
        principal, prompt = exchange.principal, exchange.prompt
        if principal is None or prompt is None:
            return
        try:
            with Timed(exchange, "resolve"):
                await self._wait_for_late_captures(exchange, principal)
                exchange.place = await self._stages.resolve.resolve(
                    principal, exchange.controls, prompt, exchange.started_at
                )
            with Timed(exchange, "recall"):
                route_model = (exchange.route.model if exchange.route else None) or prompt.model or ""
                if exchange.controls.strategy is Strategy.AGENTIC:
                    exchange.own_model = self._stages.forward.own_model(exchange)
                quotes_itself = exchange.route is not None and exchange.route.provider == BUILT_IN_PROVIDER
                await self._stages.recall.run(
                    exchange, self._settings.context_window(route_model), keeps_retries=not quotes_itself
                )
        except StoreUnavailableError as error:
            logger.warning("memory is off for this request: %s", error)
            exchange.status = MemoryStatus.ERROR if exchange.controls.mode.recalls else MemoryStatus.OFF
            if exchange.place is None:
                exchange.place = place_without_store(exchange)

    async def _exchange_with_provider(self, exchange: Exchange, body: bytes, sink: ReplySink) -> None:
        with Timed(exchange, "forward"):
            upstream = await self._send(exchange, body)
        exchange.note_head(upstream)
        exchange.tells_breaks = self._settings.tells_breaks or (
            exchange.plan is not None and len(exchange.plan.ways) > 1
        )
        if upstream.status in REDIRECTS:
            await upstream.close()
            message = "The provider answered with a redirect, which is not followed. Use the URL that it leads to."
            raise UpstreamBrokenError(message, code="upstream_redirected")
        if upstream.status >= FIRST_ERROR_STATUS or exchange.place is None:
            with Timed(exchange, "relay"):
                await relay_untouched(exchange, upstream, sink, self._headers(exchange))
            return
        relay = CapturingRelay(
            exchange, upstream, sink, self._stages.capture, partial(self._in_background, place=exchange.place)
        )
        decorate = (lambda body: add_memories(body, _memories(exchange))) if exchange.controls.is_verbose else None
        try:
            with Timed(exchange, "relay"):
                await relay.run(lambda: self._headers(exchange), decorate)
        finally:
            exchange.reply = relay.reply
            self._note_state(exchange, relay.reply.response_id if relay.reply else None)
            self._in_background(self._stages.remember.run(exchange))

    def _send(self, exchange: Exchange, body: bytes | AsyncIterator[bytes] | None) -> Awaitable[UpstreamReply]:
        if self._accountant is None:
            return self._stages.forward.send(exchange, body)
        return self._accountant.send(self._stages.forward, exchange, body)

    def _note_state(self, exchange: Exchange, response_id: str | None) -> None:
        """What the provider's own state holds now, for a request that continues it."""
        continues = exchange.prompt.continues if exchange.prompt else None
        conversation = continues if continues and continues.startswith("conv_") else None
        quoted = exchange.injection.sources if exchange.injection else ()
        for state_id in (response_id, conversation):
            if state_id and exchange.place is not None:
                self._stages.resolve.remember_response(exchange.place, state_id, quoted)

    async def _pass_through(self, exchange: Exchange, authentication: Authentication, sink: ReplySink) -> None:
        """Anything that is no conversation: byte for byte, but for a provider's prefix in ``model``."""
        request = exchange.request
        exchange.controls = self._controls.read(request, authentication)
        body: bytes | AsyncIterator[bytes] | None = request.body
        model = None
        if request.method in {"GET", "HEAD", "DELETE", "OPTIONS"} and not request.header(b"content-length"):
            body = None
        elif (request.header(b"content-type") or "").startswith(MODEL_BODIES):
            body = await request.whole_body(self._settings.max_body_bytes)
            body, model = self._with_plain_model(exchange, body)
        if exchange.route is None:
            exchange.route = self._stages.forward.route(exchange, model)
        exchange.passed_model = model
        with Timed(exchange, "forward"):
            upstream = await self._send(exchange, body)
        exchange.note_head(upstream)
        is_awaited = upstream.status < FIRST_ERROR_STATUS and self._stages.capture.awaited.find(exchange)
        with Timed(exchange, "relay"):
            if is_awaited:
                relay = CapturingRelay(exchange, upstream, sink, self._stages.capture, self._in_background)
                await relay.run(lambda: self._headers(exchange), None)
            else:
                await relay_untouched(exchange, upstream, sink, self._headers(exchange))

    def _with_plain_model(self, exchange: Exchange, body: bytes) -> tuple[bytes, str | None]:
        """The body with the provider's own spelling of the model; untouched where it has none that we understand."""
        try:
            document = JsonDocument.parse(body)
        except InvalidRequestError:
            return body, None
        model = document.get("model")
        if not isinstance(model, str):
            return body, None
        exchange.route = self._stages.forward.route(exchange, model)
        if exchange.route.model is None or exchange.route.model == model:
            return body, model
        return with_model(document, exchange.route.model), model

    async def _answer_models(self, exchange: Exchange, sink: ReplySink) -> None:
        path = exchange.request.path.rstrip("/")
        if path == "models":
            body = await self._catalogue.list_models(exchange.head.provider_key, exchange.project_keys)
        else:
            model = unquote(path.removeprefix("models/"))
            body = await self._catalogue.find_model(model, exchange.head.provider_key, exchange.project_keys)
        head = ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
        exchange.reply_status = 200
        await sink.start(200, (*head, *self._headers(exchange)))
        await sink.send(body)
        await sink.end()

    def _headers(self, exchange: Exchange) -> Headers:
        place = exchange.place
        report = MemoryReport(
            request_id=exchange.id,
            status=exchange.status,
            user=place.user if place else None,
            session=place.session_name if place else None,
            shown=len(exchange.shown),
            tokens=exchange.block_tokens,
            took_ms=exchange.elapsed_ms() - exchange.stage_ms.get("forward", 0.0),
            stored=exchange.stored,
            strategy=exchange.done_strategy,
            upstream=attempts_text(exchange.attempts) or None,
        )
        return response_headers(report, speaks_recallr=exchange.controls.speaks_recallr)

    def _in_background(self, work: Awaitable[None], place: Place | None = None) -> None:
        """Do work that outlives its request; a capture (with its ``place``) before the same user's next request."""

        async def finish() -> None:
            await work

        task = asyncio.ensure_future(finish())
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        if place is not None:
            owner = (place.project, place.user)
            late = self._late_captures.setdefault(owner, set())
            late.add(task)
            task.add_done_callback(partial(self._forget_late, owner))

    def _forget_late(self, owner: tuple[ProjectId, str], task: asyncio.Task[None]) -> None:
        late = self._late_captures[owner]
        late.discard(task)
        if not late:
            del self._late_captures[owner]

    async def _wait_for_late_captures(self, exchange: Exchange, principal: Principal) -> None:
        """Whoever tries again right after leaving finds what was captured of the first try."""
        late = self._late_captures.get(
            (project_of(principal, exchange.controls), user_of(principal, exchange.controls))
        )
        if late:
            await asyncio.wait(tuple(late), timeout=LATE_CAPTURE_S)


def _dialect_path(request: IncomingRequest) -> str:
    """The dialect's path: what the request names, or in forward style the end of the upstream's path."""
    if request.forward_target is None:
        return request.path
    return dialect_of_url(request.forward_target)


def _memories(exchange: Exchange) -> str:
    """What ``X-Memory-Verbose`` adds to the reply: the injected memories, as JSON."""
    return orjson.dumps([hit_object(hit) for hit in exchange.shown]).decode()
