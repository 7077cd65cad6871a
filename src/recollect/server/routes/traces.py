"""``GET /v1/memory/traces/{id}``: why something was recalled, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from recollect.domain.ids import TraceId
from recollect.domain.keys import KeyKind
from recollect.errors import NotFoundError

if TYPE_CHECKING:
    from starlette.requests import Request

    from recollect.domain.traces import Trace
    from recollect.server.call import Call, CallReader


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def get_trace(request: Request) -> Response:
        call = await calls.read(request)
        identifier = request.path_params["trace_id"]
        traces, project = call.gateway.store.traces, call.principal.project
        trace = await traces.find_trace(project, TraceId(identifier))
        if trace is None:
            await call.gateway.settle()  # a trace is kept behind the reply, and who has that may be faster
            trace = await traces.find_trace(project, TraceId(identifier))
        if trace is None or not await _may_see(call, trace):
            message = (
                f"There is no trace {identifier!r}. Traces are kept for a while only (setting `traces.retention_days`)."
            )
            raise NotFoundError(message, code="trace_not_found", param="trace_id")
        return Response(trace.body, media_type="application/json")

    return [Route("/memory/traces/{trace_id}", get_trace, methods=["GET"])]


async def _may_see(call: Call, trace: Trace) -> bool:
    """A vault key sees the traces of its own vault only."""
    if call.principal.kind is not KeyKind.VAULT:
        return True
    vault = await call.gateway.store.vaults.open_vault(call.principal.project, call.user, may_create=False)
    return vault is not None and trace.vault == vault.id
