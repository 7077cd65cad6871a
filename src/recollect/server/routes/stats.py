"""``GET /v1/memory/stats``: sizes, how far derived data has come, and what was dropped or has failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.keys import KeyKind
from recollect.domain.usage import UsageQuery, sum_of
from recollect.server.call import json_response
from recollect.wire.memory_objects import time_text
from recollect.wire.usage_objects import usage_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.jobs import Backlog
    from recollect.domain.knowledge import ExtractionProgress
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
    known = (await call.gateway.knowledge.of(vault.id)).timeline
    return {
        "object": "stats",
        "user": call.user,
        "messages": summary.messages if summary else 0,
        "sessions": summary.sessions if summary else 0,
        "last_active_at": time_text(summary.last_active_at) if summary else None,
        "memories": len(known.believed()),
        "conflicts": len(known.conflicts),
        "pending": await store.index.pending(vault.id),
        **_derived(await store.knowledge.progress(vault=vault.id), await store.jobs.backlog(vault.id)),
        "usage": await _usage(call, user=call.user),
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
    store = call.gateway.store
    progress = await store.knowledge.progress(project=call.principal.project)
    return {
        "object": "stats",
        "project": call.principal.project,
        "users": users,
        "messages": messages,
        "sessions": sessions,
        **_derived(progress, await store.jobs.backlog()),
        "usage": await _usage(call),
        "spooled": readiness.spooled,
        "embedder": readiness.embedder,
    }


async def _usage(call: Call, user: str | None = None) -> dict[str, object]:
    """What was taken in all, and the memory ledger of it."""
    await call.gateway.book.flush()
    query = UsageQuery(call.principal.project, group_by=frozenset(), user=user)
    lines = await call.gateway.store.usage.usage(query)
    return usage_object(sum_of(line.counts for line in lines))


def _derived(progress: ExtractionProgress, backlog: Backlog) -> dict[str, object]:
    """``failed`` are dead letters, and ``oldest_pending_at`` is when the oldest job or session that is not done was
    made or changed; ``alarm`` says so where a job is stuck."""
    pending = [at for at in (backlog.oldest_open_at, progress.oldest_due_at) if at is not None]
    return {
        "indexed": progress.indexed,
        "embedded": progress.embedded,
        "extracted": dict(progress.extracted),
        "dropped": dict(progress.dropped),
        "sessions_due": progress.due,
        "failed": backlog.dead,
        "oldest_pending_at": time_text(min(pending, default=None)),
        "alarm": backlog.alarm(datetime.now(UTC)),
        "jobs": _backlog(backlog),
    }


def _backlog(backlog: Backlog) -> dict[str, object]:
    return {
        "waiting": backlog.waiting,
        "leased": backlog.leased,
        "dead": backlog.dead,
        "oldest_waiting_at": time_text(backlog.oldest_waiting_at),
    }
