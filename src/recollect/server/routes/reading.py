"""``…/process`` and ``/v1/memory/reprocess``: sessions are read when somebody asks, new parts of them or all.

What was found before stays, and is recalled, until it is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.keys import KeyKind
from recollect.errors import InvalidRequestError
from recollect.server.call import json_response, refused
from recollect.server.routes.sessions import find_session

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"extractor", "wait"})
PROCESS_FIELDS = frozenset({"wait", "anew"})
PAGE = 500
WAIT_S = 120.0


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def process(request: Request) -> Response:
        """Have a session read now: what is new in it, or (``anew``) all of it."""
        call = await calls.read(request, PROCESS_FIELDS)
        call.require_mode(stores=True)
        vault = (await call.vault()).id
        session = await find_session(call, vault, request.path_params["name"])
        await call.gateway.store.knowledge.request(vault, session.number, anew=call.fields.flag("anew"))
        extraction, waits = call.gateway.extraction, call.fields.flag("wait")
        extraction.notify()
        is_read = waits and await extraction.wait_read(vault, session.number, WAIT_S)
        reply = {"object": "session.process", "session_id": session.name, "processed": is_read}
        return json_response(reply, status=200 if is_read else 202)

    async def reprocess(request: Request) -> Response:
        """Of a session, of a user, or (admin keys: it may cost a model's tokens) of the whole project."""
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=True)
        extractor = _extractor(call)
        if call.controls.user is not None or call.principal.kind is KeyKind.VAULT:
            users, sessions, is_read = await _of_user(call, extractor)
        else:
            users, sessions, is_read = await _of_project(call, extractor)
        return json_response(
            {
                "object": "reprocess",
                "users": users,
                "sessions": sessions,
                "extractors": [extractor] if extractor else list(call.gateway.extraction.names(call.principal.project)),
                "processed": is_read,
            },
            status=200 if is_read else 202,
        )

    return [
        Route("/memory/sessions/{name:path}/process", process, methods=["POST"]),
        Route("/memory/reprocess", reprocess, methods=["POST"]),
    ]


async def _of_user(call: Call, extractor: str | None) -> tuple[int, int, bool]:
    vault = (await call.vault()).id
    named = call.controls.session
    session = None if named is None else (await find_session(call, vault, named)).number
    sessions = await call.gateway.store.knowledge.request(vault, session, anew=True, extractor=extractor)
    call.gateway.extraction.notify()
    waits = call.fields.flag("wait")
    return 1, sessions, waits and await call.gateway.extraction.wait_read(vault, session, WAIT_S)


async def _of_project(call: Call, extractor: str | None) -> tuple[int, int, bool]:
    call.require_admin()
    if call.controls.session is not None:
        message = "Name the `user` whose session is meant."
        raise InvalidRequestError(message, code="missing_field", param="user")
    if call.fields.flag("wait"):
        expected = "left out without a `user`: a whole project takes its time, and `stats` shows how far it is"
        raise refused(param="wait", expected=expected, code="invalid_value")
    users = sessions = 0
    after: str | None = None
    while page := await call.gateway.store.vaults.list_vaults(call.principal.project, limit=PAGE, after=after):
        for one in page:
            sessions += await call.gateway.store.knowledge.request(one.vault.id, anew=True, extractor=extractor)
        users += len(page)
        after = page[-1].vault.user
    call.gateway.extraction.notify()
    return users, sessions, False


def _extractor(call: Call) -> str | None:
    """Whose findings are to be made anew; None: everybody's."""
    given = call.fields.optional_text("extractor")
    names = call.gateway.extraction.names(call.principal.project)
    found = next((name for name in names if given in {name, name.partition(":")[0]}), None)
    if given is not None and found is None:
        raise refused(param="extractor", expected=f"one of {', '.join(names)}", code="unknown_extractor")
    return found
