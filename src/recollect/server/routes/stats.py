"""``GET /v1/memory/stats``: sizes, and how far the index is behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.keys import KeyKind
from recollect.server.call import json_response
from recollect.wire.memory_objects import time_text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.jobs import Backlog
    from recollect.server.call import Call, CallReader

PAGE = 1000


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def stats(request: Request) -> Response:
        """Of one user where one is named (and for a vault key always), else of the project."""
        call = await calls.read(request)
        if call.controls.user is not None or call.principal.kind is KeyKind.VAULT:
            return json_response(await _of_user(call))
        return json_response(await _of_project(call))

    return [Route("/memory/stats", stats, methods=["GET"])]


async def _of_user(call: Call) -> dict[str, object]:
    vault = await call.vault()
    store = call.gateway.store
    summary = await store.vaults.summarise_vault(vault.id)
    return {
        "object": "stats",
        "user": call.user,
        "messages": summary.messages if summary else 0,
        "sessions": summary.sessions if summary else 0,
        "last_active_at": time_text(summary.last_active_at) if summary else None,
        "pending": await store.index.pending(vault.id),
        "jobs": _backlog(await store.jobs.backlog(vault.id)),
    }


async def _of_project(call: Call) -> dict[str, object]:
    vaults = call.gateway.store.vaults
    users = messages = sessions = 0
    after: str | None = None
    while page := await vaults.list_vaults(call.principal.project, limit=PAGE, after=after):
        users += len(page)
        messages += sum(one.messages for one in page)
        sessions += sum(one.sessions for one in page)
        after = page[-1].vault.user
        if len(page) < PAGE:
            break
    readiness = await call.gateway.readiness()
    return {
        "object": "stats",
        "project": call.principal.project,
        "users": users,
        "messages": messages,
        "sessions": sessions,
        "jobs": _backlog(await call.gateway.store.jobs.backlog()),
        "spooled": readiness.spooled,
        "embedder": readiness.embedder,
    }


def _backlog(backlog: Backlog) -> dict[str, object]:
    return {
        "waiting": backlog.waiting,
        "leased": backlog.leased,
        "dead": backlog.dead,
        "oldest_waiting_at": time_text(backlog.oldest_waiting_at),
    }
