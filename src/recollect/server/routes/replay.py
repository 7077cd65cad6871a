"""``POST /v1/memory/replay``: the same request with other memory, the answers side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.routing import Route

from recollect.domain.calls import ReplayCall, ReplayWith
from recollect.domain.keys import MemoryMode
from recollect.domain.recall import Strategy
from recollect.errors import InvalidRequestError
from recollect.server.call import Fields, json_response, refused
from recollect.server.routes.requests import find_request
from recollect.wire.json_document import JsonDocument
from recollect.wire.memory_objects import hit_object
from recollect.wire.request_objects import request_object, usage_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.calls import ReplayAnswer
    from recollect.domain.requests import RequestBodies, RequestRecord
    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"request_id", "with"})
WAY_FIELDS = frozenset({"strategy", "max_tokens", "as_of"})
MOST_WAYS = 8
MAX_TOKENS = 1_000_000
DEFAULT_WAYS = ("none", "current")


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def replay(request: Request) -> Response:
        """Nothing of it is stored. The provider is asked once for each way, and charges for it."""
        call = await calls.read(request, FIELDS)
        identifier = call.fields.text("request_id")
        record = await find_request(call, identifier)
        bodies = await call.gateway.store.requests.find_bodies(call.principal.project, record.id)
        if bodies is None:
            raise _not_kept(is_on=calls.app.settings.traces.keep_bodies)
        ways = _ways(call, record)
        provider_key = request.headers.get("x-provider-key")
        answers = await call.gateway.replayer.replay(
            call.principal, ReplayCall(record, bodies, ways, provider_key or None)
        )
        return json_response(_reply(record, bodies, answers))

    return [Route("/memory/replay", replay, methods=["POST"])]


def _ways(call: Call, record: RequestRecord) -> tuple[ReplayWith, ...]:
    given = call.fields.document.get("with")
    if given is None:
        given = list(DEFAULT_WAYS)
    if not isinstance(given, list) or not 0 < len(given) <= MOST_WAYS:
        raise refused(param="with", expected=f"a list of 1 to {MOST_WAYS} ways of remembering", code="invalid_replay")
    return tuple(_way(one, f"with[{index}]", record) for index, one in enumerate(given))


def _way(given: object, place: str, record: RequestRecord) -> ReplayWith:
    if given == "none":
        return ReplayWith("none", MemoryMode.OFF)
    if given == "current":
        return ReplayWith("current", MemoryMode.READ)
    if given == "then":
        return ReplayWith("then", MemoryMode.READ, as_of=record.started_at)
    if not isinstance(given, dict) or not set(given) <= WAY_FIELDS:
        expected = '"none", "current", "then", or an object with `strategy`, `max_tokens` or `as_of`'
        raise refused(param=place, expected=expected, code="invalid_replay")
    fields = Fields(JsonDocument.parse(orjson.dumps(given)))
    tokens = fields.whole("max_tokens", default=-1, least=0, most=MAX_TOKENS)
    return ReplayWith(
        orjson.dumps(given).decode(),
        MemoryMode.READ,
        strategy=fields.strategy(Strategy.BALANCED) if fields.has("strategy") else None,
        max_tokens=None if tokens < 0 else tokens,
        as_of=fields.time("as_of"),
    )


def _not_kept(*, is_on: bool) -> InvalidRequestError:
    if is_on:
        message = (
            "What was said in this request is not kept: it was no conversation that is stored as a whole, or it is "
            "older than `traces.retention_days`, or something of its user's was deleted since."
        )
    else:
        message = (
            "What was said in requests is not kept here, so they cannot be sent again. The setting "
            "`traces.keep_bodies` keeps it, from then on."
        )
    return InvalidRequestError(message, code="bodies_not_kept", param="request_id")


def _reply(record: RequestRecord, bodies: RequestBodies, answers: list[ReplayAnswer]) -> dict[str, object]:
    return {
        "object": "memory.replay",
        "request": request_object(record),
        "original": {"text": bodies.reply.decode("utf-8", "replace"), "finish_reason": record.finish_reason},
        "answers": [_answer(one) for one in answers],
    }


def _answer(answer: ReplayAnswer) -> dict[str, object]:
    name = answer.way.name
    return {
        "with": orjson.Fragment(name) if name.startswith("{") else name,
        "status": answer.status,
        "error": answer.error,
        "message": answer.message,
        "text": answer.text,
        "content": orjson.Fragment(answer.content) if answer.content else None,
        "finish_reason": answer.finish_reason,
        "usage": usage_object(answer.cost),
        "cost_usd": answer.cost.usd if answer.cost else None,
        "took_ms": round(answer.took_ms, 2),
        "memory": {
            "status": answer.memory.value,
            "tokens": answer.memory_tokens,
            "injected": answer.injected,
            "profile": answer.profile,
            "memories": [hit_object(hit) for hit in answer.hits],
        },
    }
