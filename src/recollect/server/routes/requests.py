"""``/v1/memory/requests``: what was asked of which model, and what it took."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.ids import TraceId
from recollect.domain.keys import KeyKind
from recollect.domain.requests import RequestFilter
from recollect.errors import NotFoundError
from recollect.server.call import json_response, refused
from recollect.server.shapes import list_object
from recollect.wire.request_objects import request_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.requests import RequestRecord
    from recollect.server.call import Call, CallReader

LIST_FIELDS = frozenset({"limit", "after", "model", "status", "from", "to"})
ERRORS = (400, 599)
_STATUS = re.compile(r"([1-5])(\d\d|xx)")


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_requests(request: Request) -> Response:
        """Newest first. A vault key sees those of its own user only."""
        call = await calls.read(request, LIST_FIELDS)
        size = call.page_size()
        after = call.fields.optional_text("after")
        wanted = RequestFilter(
            limit=size + 1,
            after=TraceId(after) if after else None,
            user=call.user if call.principal.kind is KeyKind.VAULT else call.controls.user,
            model=call.fields.optional_text("model"),
            statuses=_statuses(call),
            since=call.fields.time("from"),
            until=call.fields.time("to"),
        )
        await call.gateway.settle()
        found = await call.gateway.store.requests.list_requests(call.principal.project, wanted)
        return json_response(list_object([request_object(one) for one in found[:size]], has_more=len(found) > size))

    async def get_request(request: Request) -> Response:
        call = await calls.read(request)
        return json_response(request_object(await find_request(call, request.path_params["request_id"])))

    return [
        Route("/memory/requests", list_requests, methods=["GET"]),
        Route("/memory/requests/{request_id}", get_request, methods=["GET"]),
    ]


async def find_request(call: Call, identifier: str) -> RequestRecord:
    """A request that the caller may see. NotFoundError for any other."""
    await call.gateway.settle()
    record = await call.gateway.store.requests.find_request(call.principal.project, TraceId(identifier))
    if record is None or (call.principal.kind is KeyKind.VAULT and record.user != call.user):
        message = (
            f"There is no request {identifier!r} in the log. Requests are kept for a while only "
            "(setting `requests.retention_days`)."
        )
        raise NotFoundError(message, code="request_not_found", param="request_id")
    return record


def _statuses(call: Call) -> tuple[int, int] | None:
    """``status``: one (``429``), a class of them (``5xx``), or ``error``."""
    text = call.fields.optional_text("status")
    if text is None:
        return None
    if text == "error":
        return ERRORS
    found = _STATUS.fullmatch(text)
    if found is None:
        raise refused(param="status", expected="a status as 429, a class as 5xx, or error", code="invalid_status")
    if found[2] != "xx":
        return int(text), int(text)
    return int(found[1]) * 100, int(found[1]) * 100 + 99
