"""``/v1/memory/conflicts``: what contradicts itself, and which side is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.ids import ConflictId, MemoryId
from recollect.server.call import json_response, missing
from recollect.server.shapes import list_object
from recollect.server.told import memory_objects, messages_of
from recollect.wire.knowledge_objects import conflict_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.server.call import CallReader

FIELDS = frozenset({"choice"})
BOTH = "both"


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_conflicts(request: Request) -> Response:
        """All that wait for an answer, the oldest first. Only policy ``ask`` makes any."""
        call = await calls.read(request)
        vault = (await call.vault()).id
        timeline = (await call.gateway.knowledge.of(vault)).timeline
        believed = {one.id: one for one in timeline.believed()}
        sides = {one.id: [believed[memory] for memory in one.memories] for one in timeline.conflicts}
        told = await messages_of(call, vault, (e for pair in sides.values() for one in pair for e in one.evidence))
        found = [conflict_object(one, sides[one.id], told) for one in timeline.conflicts]
        return json_response(list_object(found, has_more=False))

    async def resolve(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=True)
        choice = call.fields.optional_text("choice")
        if choice is None:
            raise missing(param="choice")
        vault = (await call.vault()).id
        conflict, editor = ConflictId(request.path_params["conflict_id"]), call.gateway.editor
        settled = await editor.resolve(vault, conflict, None if choice == BOTH else MemoryId(choice))
        sides = [await editor.find(vault, memory) for memory in settled.memories]
        return json_response(
            {
                "id": settled.id,
                "object": "conflict.resolved",
                "resolved": True,
                "choice": choice,
                "memories": await memory_objects(call, vault, sides),
            }
        )

    return [
        Route("/memory/conflicts", list_conflicts, methods=["GET"]),
        Route("/memory/conflicts/{conflict_id}", resolve, methods=["POST"]),
    ]
