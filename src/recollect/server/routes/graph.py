"""``GET /v1/memory/graph``: who is linked to whom, around an entity or between two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.errors import NotFoundError
from recollect.remembering.graph_view import GraphQuery, view
from recollect.server.call import json_response, missing
from recollect.server.graph_objects import graph_object
from recollect.server.routes.memories import wanted_status
from recollect.server.told import messages_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"entity", "to", "depth", "status", "as_of", "limit"})
MOST_DEPTH = 3
DEFAULT_ENTITIES = 50


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def graph(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        query = parse(call)
        vault = (await call.vault()).id
        seen = view(await call.gateway.knowledge.of(vault), query)
        if seen is None:
            named = " or ".join(repr(name) for name in (query.entity, query.to) if name is not None)
            message = f"There is no entity {named} in this vault. Without `entity`, the most mentioned are listed."
            raise NotFoundError(message, code="entity_not_found", param="entity")
        told = await messages_of(call, vault, (one for link in seen.links for one in link.evidence))
        return json_response(graph_object(seen, told, query.at))

    return [Route("/memory/graph", graph, methods=["GET"])]


def parse(call: Call) -> GraphQuery:
    """What is asked. InvalidRequestError where a way has no beginning."""
    fields = call.fields
    if fields.has("to") and not fields.has("entity"):
        raise missing(param="entity")
    return GraphQuery(
        at=call.controls.as_of or datetime.now(UTC),
        entity=fields.optional_text("entity"),
        to=fields.optional_text("to"),
        depth=fields.whole("depth", default=1, least=0, most=MOST_DEPTH),
        status=wanted_status(call),
        most=call.page_size(DEFAULT_ENTITIES),
    )
