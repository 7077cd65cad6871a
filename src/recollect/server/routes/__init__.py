"""The memory surface and the operations, one file per noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Router

from recollect.errors import ApiError, MethodNotAllowedError, NotFoundError
from recollect.server.call import CallReader
from recollect.server.routes import (
    conflicts,
    editing,
    graph,
    ingest,
    jobs,
    keys,
    memories,
    operations,
    prepare,
    providers,
    reading,
    replay,
    requests,
    search,
    sessions,
    stats,
    traces,
    usage,
    users,
)

if TYPE_CHECKING:
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send

    from recollect.server.app import GatewayApp

NOUNS = (
    ingest,
    search,
    prepare,
    requests,
    replay,
    memories,
    editing,
    graph,
    conflicts,
    sessions,
    reading,
    users,
    stats,
    usage,
    traces,
    keys,
    providers,
    jobs,
    operations,
)
METHOD_NOT_ALLOWED = 405


def own_routes(calls: CallReader) -> list[Route]:
    """Every route of ours. Paths are without ``/v1``: it may stand before ``/memory`` or not."""
    return [route for noun in NOUNS for route in noun.routes(calls)]


def own_application(app: GatewayApp) -> ASGIApp:
    """What answers everything that is not the OpenAI surface. Raises ApiError, for the edge to render."""
    router = Router(routes=own_routes(CallReader(app)))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await router({**scope, "app": app}, receive, send)
        except HTTPException as error:
            raise _translated(error, scope) from None

    return answer


def _translated(error: HTTPException, scope: Scope) -> ApiError:
    """What Starlette's router finds: no such path, or not with that method."""
    method, path = scope["method"], scope["path"]
    if error.status_code == METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        return MethodNotAllowedError(f"{method} is not possible here, but {allowed}.")
    message = f"There is no {path} here. The OpenAI routes are under /v1, the memory routes under /v1/memory."
    return NotFoundError(message, code="unknown_route")
