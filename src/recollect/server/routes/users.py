"""``/v1/memory/users``: whose memories there are, and how they are erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.keys import KeyKind
from recollect.errors import NotFoundError
from recollect.server.call import json_response
from recollect.server.shapes import list_object, user_object
from recollect.wire.memory_objects import time_text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.vaults import VaultSummary
    from recollect.server.call import Call, CallReader

LIST_FIELDS = frozenset({"limit", "after"})


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_users(request: Request) -> Response:
        """By name. A vault key sees its own user only."""
        call = await calls.read(request, LIST_FIELDS)
        size = call.page_size()
        found = await _summaries(call, size + 1)
        return json_response(list_object([user_object(one) for one in found[:size]], has_more=len(found) > size))

    async def get_user(request: Request) -> Response:
        call = await calls.read(request, user=request.path_params["user"])
        vault = await call.vault()
        summary = await call.gateway.store.vaults.summarise_vault(vault.id)
        if summary is None:
            raise _unknown(call.user)
        return json_response(user_object(summary))

    async def delete_user(request: Request) -> Response:
        """Erase everything of a user. What may delete a person's whole past is a client or an admin key."""
        call = await calls.read(request, user=request.path_params["user"])
        call.require_project()
        # First what waits: were it stored behind the erasure, the user would be back.
        await call.gateway.spool.erase_user(call.principal.project, call.user)
        vault = await call.vault()
        await call.gateway.book.flush()
        receipt = await call.gateway.store.vaults.erase_vault(vault.id, datetime.now(UTC))
        call.gateway.engine.forget(vault.id)
        call.gateway.knowledge.forget(vault.id)
        if receipt is None:
            raise _unknown(call.user)
        return json_response(
            {
                "id": receipt.user,
                "object": "user.deleted",
                "deleted": True,
                "receipt": {
                    "user": receipt.user,
                    "messages": receipt.messages,
                    "sessions": receipt.sessions,
                    "erased_at": time_text(receipt.erased_at),
                    "digest": receipt.digest,
                },
            }
        )

    return [
        Route("/memory/users", list_users, methods=["GET"]),
        Route("/memory/users/{user:path}", get_user, methods=["GET"]),
        Route("/memory/users/{user:path}", delete_user, methods=["DELETE"]),
    ]


async def _summaries(call: Call, limit: int) -> list[VaultSummary]:
    vaults = call.gateway.store.vaults
    if call.principal.kind is not KeyKind.VAULT:
        return await vaults.list_vaults(call.principal.project, limit=limit, after=call.fields.optional_text("after"))
    vault = await vaults.open_vault(call.principal.project, call.user, may_create=False)
    summary = None if vault is None else await vaults.summarise_vault(vault.id)
    return [] if summary is None else [summary]


def _unknown(user: str) -> NotFoundError:
    return NotFoundError(f"The user {user!r} has no memories here.", code="user_not_found", param="user")
