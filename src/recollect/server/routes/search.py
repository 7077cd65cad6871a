"""``POST /v1/memory/search``: rank a vault against a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.calls import SearchCall
from recollect.domain.ids import SessionName
from recollect.server.call import json_response, refused
from recollect.wire.memory_objects import hit_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.calls import SearchResult
    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"query", "limit", "strategy", "filters", "from", "to", "as_of", "explain", "threshold", "timezone"})
DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
MAX_QUERY_CHARACTERS = 100_000


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def search(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=False)
        parsed = parse(call)
        result = await call.gateway.calls.search(call.principal, parsed)
        return json_response(_reply(parsed, result), request_id=result.trace_id)

    return [Route("/memory/search", search, methods=["POST"])]


def parse(call: Call) -> SearchCall:
    """The call as the gateway takes it."""
    fields, controls = call.fields, call.controls
    query = fields.text("query")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise refused(param="query", expected=f"at most {MAX_QUERY_CHARACTERS} characters long", code="invalid_type")
    since, until = fields.time("from"), fields.time("to")
    if since is not None and until is not None and since > until:
        raise refused(param="to", expected="later than `from`", code="invalid_time")
    threshold = fields.fraction("threshold")
    session = controls.session
    return SearchCall(
        user=call.user,
        query=query,
        limit=fields.whole("limit", default=DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
        strategy=fields.strategy(controls.strategy),
        agent_id=controls.agent_id,
        session_id=SessionName(session) if session is not None else None,
        since=since,
        until=until,
        as_of=controls.as_of,
        threshold=controls.threshold if threshold is None else threshold,
        timezone=fields.timezone(controls.timezone),
        is_explained=fields.flag("explain"),
        filters=controls.filters,
    )


def _reply(call: SearchCall, result: SearchResult) -> dict[str, object]:
    recall = result.recall
    reply: dict[str, object] = {
        "object": "list",
        "data": [hit_object(hit, is_explained=call.is_explained) for hit in recall.ranking],
        "took_ms": round(recall.took_ms, 2),
        "strategy": recall.strategy.value,
        "status": recall.status.value,
        "trace_id": result.trace_id,
    }
    if call.is_explained:
        gate = recall.gate
        reply["explain"] = {
            "gate": {"is_open": gate.is_open, "reason": gate.reason, "signals": dict(gate.signals)},
            "stage_ms": dict(recall.stage_ms),
            "has_vectors": recall.has_vectors,
        }
    return reply
