"""The memory surface and the operations, one file per noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response

from recollect.domain.ids import new_id
from recollect.errors import ApiError, MethodNotAllowedError, NotFoundError
from recollect.server.call import CallReader
from recollect.server.failures import error_reply, log_refusal
from recollect.server.routes import (
    ingest,
    jobs,
    keys,
    memories,
    operations,
    prepare,
    search,
    sessions,
    stats,
    traces,
    users,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from recollect.server.app import GatewayApp

NOUNS = (ingest, search, prepare, memories, sessions, users, stats, traces, keys, jobs, operations)
METHOD_NOT_ALLOWED = 405


def own_routes(calls: CallReader) -> list[Route]:
    """Every route of ours. Paths are without ``/v1``: it may stand before ``/memory`` or not."""
    return [route for noun in NOUNS for route in noun.routes(calls)]


def own_application(app: GatewayApp) -> Starlette:
    """What answers everything that is not the OpenAI surface."""
    return Starlette(
        routes=own_routes(CallReader(app)),
        exception_handlers={ApiError: _answer_api_error, HTTPException: _answer_http_exception},
    )


async def _answer_api_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    request_id = new_id("req")
    log_refusal(error, request_id, "own")
    status, headers, body = error_reply(error, request_id)
    return Response(
        body if request.method != "HEAD" else b"",
        status_code=status,
        headers={name.decode(): value.decode() for name, value in headers if name != b"content-length"},
    )


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """What Starlette's router finds: no such path, or not with that method."""
    method, path = request.method, request.scope["path"]
    if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        message = f"{method} is not possible here. Possible: {allowed}."
        return await _answer_api_error(request, MethodNotAllowedError(message))
    message = f"There is no {path} here. The OpenAI routes are under /v1, the memory routes under /v1/memory."
    return await _answer_api_error(request, NotFoundError(message, code="unknown_route"))
