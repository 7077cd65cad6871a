"""``/v1/memory/jobs``: background work that failed for good, and another attempt at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.errors import PermissionDeniedError
from recollect.exchange.authenticate import LOCAL_PROJECT
from recollect.server.call import json_response
from recollect.server.shapes import list_object
from recollect.wire.memory_objects import time_text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.ids import VaultId
    from recollect.domain.jobs import Job
    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"limit"})
REPLAYED = 1000


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_jobs(request: Request) -> Response:
        """Dead letters, oldest first."""
        call = await calls.read(request, FIELDS)
        size = call.page_size()
        found = await call.gateway.store.jobs.list_dead(size + 1, await _scope(call))
        return json_response(list_object([job_object(one) for one in found[:size]], has_more=len(found) > size))

    async def replay_jobs(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        replayed = await call.gateway.store.jobs.replay_dead(call.page_size(REPLAYED), await _scope(call))
        return json_response({"object": "jobs.replay", "replayed": replayed})

    return [
        Route("/memory/jobs", list_jobs, methods=["GET"]),
        Route("/memory/jobs/replay", replay_jobs, methods=["POST"]),
    ]


def job_object(job: Job) -> dict[str, object]:
    """A job. An extraction is of a session, whatever its messages."""
    return {
        "id": str(job.id),
        "object": "job",
        "kind": job.kind.value,
        "state": job.state.value,
        "attempts": job.attempts,
        "created_at": time_text(job.created_at),
        "messages": len(job.numbers) if job.session is None else 0,
        "last_error": job.last_error,
    }


async def _scope(call: Call) -> VaultId | None:
    """The vault that is meant. All of them only for an admin of the first project, who operates the gateway."""
    call.require_admin()
    if call.controls.user is not None:
        return (await call.vault()).id
    if call.principal.project != LOCAL_PROJECT:
        message = "Name the `user` whose jobs are meant; all jobs are for the operator to see."
        raise PermissionDeniedError(message, code="operator_required", param="user")
    return None
