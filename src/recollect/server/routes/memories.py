"""``/v1/memory/memories``: what is stored, one by one. A stored message is a memory of kind ``passage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.ids import parse_message_id
from recollect.errors import NotFoundError
from recollect.server.call import json_response
from recollect.server.shapes import list_object, message_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.ids import MessageNumber, VaultId
    from recollect.domain.messages import StoredMessage
    from recollect.server.call import Call, CallReader

LIST_FIELDS = frozenset({"limit", "after"})


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_memories(request: Request) -> Response:
        call = await calls.read(request, LIST_FIELDS)
        vault = await call.vault()
        size = call.page_size()
        after = await _number_after(call, vault.id)
        found = await call.gateway.store.messages.list_messages(vault.id, limit=size + 1, after=after)
        return json_response(list_object([message_object(one) for one in found[:size]], has_more=len(found) > size))

    async def get_memory(request: Request) -> Response:
        call = await calls.read(request)
        message = await _find(call, (await call.vault()).id, request.path_params["memory_id"])
        return json_response(message_object(message))

    async def delete_memory(request: Request) -> Response:
        call = await calls.read(request)
        vault = await call.vault()
        message = await _find(call, vault.id, request.path_params["memory_id"])
        if not await call.gateway.store.messages.delete_message(vault.id, message.id):
            raise _unknown(request.path_params["memory_id"])
        call.gateway.extraction.notify()
        return json_response({"id": request.path_params["memory_id"], "object": "memory.deleted", "deleted": True})

    return [
        Route("/memory/memories", list_memories, methods=["GET"]),
        Route("/memory/memories/{memory_id}", get_memory, methods=["GET"]),
        Route("/memory/memories/{memory_id}", delete_memory, methods=["DELETE"]),
    ]


async def _number_after(call: Call, vault: VaultId) -> MessageNumber | None:
    after = call.fields.optional_text("after")
    return None if after is None else (await _find(call, vault, after)).number


async def _find(call: Call, vault: VaultId, text: str) -> StoredMessage:
    """The message that an id means; an id of a search result may point at a piece of it."""
    identifier = parse_message_id(text.partition(":")[0])
    message = None if identifier is None else await call.gateway.store.messages.find_message(vault, identifier)
    if message is None:
        raise _unknown(text)
    return message


def _unknown(text: str) -> NotFoundError:
    return NotFoundError(f"There is no memory {text!r} in this vault.", code="memory_not_found", param="memory_id")
