"""What an exchange came to, told once to everybody who wants to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, overload

from recollect.domain.ids import message_id_text
from recollect.domain.requests import BROKEN_OFF, CLIENT_LEFT, RequestRecord
from recollect.errors import ApiError
from recollect.exchange.keeping import bodies_of
from recollect.exchange.resolve import project_of
from recollect.wire.json_document import without_lone_surrogates

if TYPE_CHECKING:
    from recollect.domain.recall import Hit
    from recollect.exchange.exchange import Exchange
    from recollect.exchange.pipeline import PipelineSettings

INTERNAL_ERROR = 500


def tell(settings: PipelineSettings, exchange: Exchange, failure: BaseException | None) -> None:
    """Tell what became of an exchange; ``failure`` is what it ended with, if it was raised."""
    on_end, span, keeper = exchange.request.on_end, exchange.span, settings.keeper
    if not settings.watchers and on_end is None and span is None:
        return
    record = record_of(exchange, failure)
    if span is not None:
        span.end(record)
    for watcher in settings.watchers:
        watcher.ended(record)
    if on_end is not None:
        on_end(record)
    bodies = bodies_of(exchange) if keeper is not None else None
    if keeper is not None and bodies is not None:
        keeper.keep(bodies)


def record_of(exchange: Exchange, failure: BaseException | None) -> RequestRecord:
    """An exchange as a record. ``failure`` is what it ended with, if it was raised."""
    request, principal, controls = exchange.request, exchange.principal, exchange.controls
    place, prompt, route, reply, cost = exchange.place, exchange.prompt, exchange.route, exchange.reply, exchange.cost
    status, error = _outcome(exchange, failure)
    quoted = _injected(exchange)
    return RequestRecord(
        id=exchange.id,
        started_at=exchange.started_at,
        took_ms=exchange.elapsed_ms(),
        method=request.method,
        path=_clean(request.path if request.forward_target is None else request.forward_target.partition("?")[0]),
        status=status,
        error=error,
        project=project_of(principal, controls) if principal else None,
        key_id=principal.key_id if principal else None,
        user=_clean(place.user if place else controls.user or (principal.user if principal else None)),
        vault=place.vault.id if place and place.vault else None,
        session=_clean(place.session_name if place else controls.session),
        agent_id=_clean(controls.agent_id),
        dialect=exchange.dialect.name if exchange.dialect else None,
        provider=(route.provider if route else None) or (cost.provider if cost else None) or None,
        model=_clean(cost.model if cost else exchange.model) or None,
        is_streamed=prompt is not None and prompt.is_streamed,
        stage_ms=exchange.stage_ms,
        stage_at_ms=exchange.stage_at_ms,
        mode=controls.mode.value,
        memory=exchange.status.value,
        stored=exchange.stored.value,
        memories=tuple(map(_hit_id, quoted)) if quoted else (),
        memory_tokens=exchange.block_tokens,
        cache=exchange.cache,
        response_id=_clean(reply.response_id) if reply else None,
        response_model=_clean(reply.model) if reply else None,
        finish_reason=_clean(reply.finish_reason) if reply else None,
        cost=cost,
        attempts=tuple(exchange.attempts),
    )


def _outcome(exchange: Exchange, failure: BaseException | None) -> tuple[int, str | None]:
    match failure:
        case None:
            is_cut = exchange.reply is not None and exchange.reply.is_partial
            return exchange.reply_status, BROKEN_OFF if is_cut else None
        case ApiError():
            return failure.status, failure.code
        case asyncio.CancelledError():
            return exchange.reply_status, CLIENT_LEFT
        case _:
            return exchange.reply_status or INTERNAL_ERROR, "internal_error"


@overload
def _clean(text: str) -> str: ...
@overload
def _clean(text: str | None) -> str | None: ...
def _clean(text: str | None) -> str | None:
    """What clients and providers spell may hold what UTF-8 cannot: lone surrogates."""
    if text is None or text.isascii():
        return text
    return without_lone_surrogates(text)


def _injected(exchange: Exchange) -> tuple[Hit, ...]:
    if exchange.shadowed is not None and exchange.recalled is not None:
        return exchange.recalled.selection
    return exchange.shown


def _hit_id(hit: Hit) -> str:
    return hit.id or message_id_text(hit.message.id)
