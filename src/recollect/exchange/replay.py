"""The same request once more, with other memory: what would the answer have been? Nothing of it is stored."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from recollect.domain.calls import ReplayAnswer
from recollect.domain.ids import SessionName, TraceId, new_id
from recollect.domain.keys import MemoryMode
from recollect.errors import ApiError, InvalidRequestError
from recollect.exchange.exchange import Exchange
from recollect.exchange.keeping import FORWARD
from recollect.exchange.ports import IncomingRequest
from recollect.exchange.resolve import conversation_of
from recollect.exchange.tap import ReplyTap
from recollect.wire.controls import read_controls
from recollect.wire.dialects import DIALECTS, dialect_of_url
from recollect.wire.headers import header_of, is_event_stream
from recollect.wire.json_document import JsonDocument
from recollect.wire.messages import MESSAGES, with_metadata

if TYPE_CHECKING:
    from recollect.domain.calls import ReplayCall, ReplayWith
    from recollect.domain.controls import Controls
    from recollect.domain.ids import MessageNumber
    from recollect.domain.keys import Principal
    from recollect.domain.requests import RequestBodies, RequestRecord
    from recollect.exchange.account import Accountant
    from recollect.exchange.exchange import Place
    from recollect.exchange.pipeline import PipelineSettings, Stages
    from recollect.stores.base import MessageStore
    from recollect.wire.prompt import Reply

SESSION_MESSAGES = 10_000
NOT_LOOKED_FOR = frozenset({b"x-memory-mode", b"x-memory-store", b"x-memory-verbose"})


@dataclass(frozen=True, slots=True)
class Replayer:
    """Answers a kept request anew, by the stages of an exchange."""

    stages: Stages
    settings: PipelineSettings
    messages: MessageStore
    accountant: Accountant | None = None

    async def replay(self, principal: Principal, call: ReplayCall) -> list[ReplayAnswer]:
        """An answer for each way of remembering, all asked at once; one that failed says so in its place."""
        return list(await asyncio.gather(*(self._answer(principal, call, one) for one in call.ways)))

    async def _answer(self, principal: Principal, call: ReplayCall, way: ReplayWith) -> ReplayAnswer:
        started = time.perf_counter()
        exchange = self._exchange_of(principal, call, way)
        try:
            status, reply = await self._ask(exchange, call.record, way)
        except ApiError as error:
            took_ms = (time.perf_counter() - started) * 1000
            return ReplayAnswer(way, error.status, took_ms, error=error.code, message=error.message)
        injection = exchange.injection
        return ReplayAnswer(
            way,
            status,
            (time.perf_counter() - started) * 1000,
            error=reply.error,
            text=reply.message.text if reply.message else "",
            content=reply.message.content if reply.message else None,
            finish_reason=reply.finish_reason,
            cost=exchange.cost,
            memory=exchange.status,
            injected=injection.block if injection else None,
            profile=exchange.edit.profile,
            hits=exchange.shown,
            memory_tokens=exchange.block_tokens,
        )

    async def _ask(self, exchange: Exchange, record: RequestRecord, way: ReplayWith) -> tuple[int, Reply]:
        dialect, document, prompt = exchange.dialect, exchange.document, exchange.prompt
        if dialect is None or document is None or prompt is None:
            raise unreadable()
        await self.stages.forward.find_keys(exchange)
        exchange.route = self.stages.forward.route(exchange, prompt.model)
        if way.mode is MemoryMode.READ:
            await self._remember(exchange, record, way)
        self.stages.inject.run(exchange)
        if self.accountant is not None:
            self.accountant.prepare(exchange)
        body = dialect.edit(document, exchange.edit)
        if self.accountant is None:
            upstream = await self.stages.forward.send(exchange, body)
        else:
            upstream = await self.accountant.send(self.stages.forward, exchange, body)
        is_streamed = is_event_stream(upstream.headers)
        tap = ReplyTap(
            dialect.reply_reader(is_streamed=is_streamed),
            header_of(upstream.headers, b"content-encoding"),
            is_streamed=is_streamed,
        )
        try:
            async for chunk in upstream.chunks():
                tap.feed(chunk)
        finally:
            await upstream.close()
        return upstream.status, tap.finish(is_cut=False)

    async def _remember(self, exchange: Exchange, record: RequestRecord, way: ReplayWith) -> None:
        principal, prompt, controls = exchange.principal, exchange.prompt, exchange.controls
        if principal is None or prompt is None:
            return
        named = replace(controls, session=record.session)
        place = await self.stages.resolve.resolve(principal, named, prompt, exchange.started_at)
        # Blocks of earlier turns are found by the history as the request itself named it.
        place = replace(place, conversation=conversation_of(prompt, controls.session))
        if way.as_of is None:
            place = replace(place, held_upstream=place.held_upstream | await self._since(place, record))
        exchange.place = place
        model = (exchange.route.model if exchange.route else None) or prompt.model or ""
        await self.stages.recall.run(exchange, self.settings.context_window(model), keeps_retries=False)

    async def _since(self, place: Place, record: RequestRecord) -> frozenset[MessageNumber]:
        """What the session holds of the exchange itself and of what followed: its own answer must not come up."""
        if place.vault is None or place.session is None:
            return frozenset()
        said = await self.messages.session_messages(place.vault.id, place.session.number, limit=SESSION_MESSAGES)
        return frozenset(one.number for one in said if one.captured_at >= record.started_at)

    def _exchange_of(self, principal: Principal, call: ReplayCall, way: ReplayWith) -> Exchange:
        request = _request_of(call.bodies, call.provider_key)
        dialect = DIALECTS.get(request.path if request.forward_target is None else dialect_of_url(request.path))
        if dialect is None:
            raise unreadable()
        document = JsonDocument.parse(call.bodies.request)
        exchange = Exchange(request, TraceId(new_id("rpl")), self.settings.now(), principal=principal)
        exchange.dialect, exchange.document, exchange.prompt = dialect, document, dialect.read(document)
        given = read_controls(
            tuple(field for field in request.headers if field[0] not in NOT_LOOKED_FOR),
            dict(parse_qsl(request.query)),
            document,
            suffix_mode=None,
            key_mode=MemoryMode.FULL,
            defaults=replace(self.settings.defaults, mode=MemoryMode.FULL),
        )
        if dialect is MESSAGES:
            given = with_metadata(given, document)
        exchange.controls = _changed(given, call.bodies, way)
        return exchange


def unreadable() -> InvalidRequestError:
    """The error for a request that cannot be sent again."""
    message = "This request is none that can be replayed: only conversations can."
    return InvalidRequestError(message, code="bodies_not_kept", param="request_id")


def _request_of(bodies: RequestBodies, provider_key: str | None) -> IncomingRequest:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in bodies.headers]
    is_forward = bodies.path.startswith(FORWARD)
    path = bodies.path.removeprefix(FORWARD) if is_forward else bodies.path
    if provider_key is not None and is_forward and dialect_of_url(path) == MESSAGES.name:
        headers.append((b"x-api-key", provider_key.encode()))
    elif provider_key is not None and is_forward:
        headers.append((b"authorization", f"Bearer {provider_key}".encode()))
    elif provider_key is not None:
        headers.append((b"x-provider-key", provider_key.encode()))
    return IncomingRequest("POST", path, bodies.query, tuple(headers), bodies.request, path if is_forward else None)


def _changed(controls: Controls, bodies: RequestBodies, way: ReplayWith) -> Controls:
    """The request's own controls, in a mode that stores nothing, with what is to be different."""
    return replace(
        controls,
        user=bodies.user,
        project=None,
        session=SessionName(controls.session) if controls.session else None,
        mode=way.mode,
        is_verbose=False,
        strategy=way.strategy or controls.strategy,
        max_tokens=controls.max_tokens if way.max_tokens is None else way.max_tokens,
        as_of=way.as_of or controls.as_of,
    )
