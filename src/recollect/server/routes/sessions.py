"""``/v1/memory/sessions``: runs of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.ids import SessionName, parse_message_id
from recollect.errors import NotFoundError
from recollect.server.call import json_response
from recollect.server.shapes import list_object, session_message_object, session_object
from recollect.server.told import summary_objects

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.ids import VaultId
    from recollect.domain.vaults import Session
    from recollect.server.call import Call, CallReader

LIST_FIELDS = frozenset({"limit", "after"})
MESSAGE_FIELDS = frozenset({"limit", "before"})
DEFAULT_MESSAGES = 100


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_sessions(request: Request) -> Response:
        """Newest first."""
        call = await calls.read(request, LIST_FIELDS)
        vault = await call.vault()
        size = call.page_size()
        after = call.fields.optional_text("after")
        before = None if after is None else (await find_session(call, vault.id, after)).number
        found = await call.gateway.store.sessions.list_sessions(vault.id, limit=size + 1, before=before)
        return json_response(list_object([session_object(one) for one in found[:size]], has_more=len(found) > size))

    async def get_session(request: Request) -> Response:
        call = await calls.read(request)
        return json_response(
            session_object(await find_session(call, (await call.vault()).id, request.path_params["name"]))
        )

    async def list_messages(request: Request) -> Response:
        """The newest of the live branch, oldest first; ``before`` goes further back."""
        call = await calls.read(request, MESSAGE_FIELDS)
        vault = await call.vault()
        session = await find_session(call, vault.id, request.path_params["name"])
        size = call.page_size(DEFAULT_MESSAGES)
        found = await call.gateway.store.messages.session_messages(
            vault.id, session.number, limit=size + 1, before_depth=await _depth(call, vault.id)
        )
        page = [session_message_object(one) for one in found[-size:]]
        return json_response(list_object(page, has_more=len(found) > size))

    async def get_summary(request: Request) -> Response:
        call = await calls.read(request)
        return json_response(await _summary(call, request.path_params["name"]))

    return [
        Route("/memory/sessions", list_sessions, methods=["GET"]),
        Route("/memory/sessions/{name:path}/messages", list_messages, methods=["GET"]),
        Route("/memory/sessions/{name:path}/summary", get_summary, methods=["GET"]),
        Route("/memory/sessions/{name:path}", get_session, methods=["GET"]),
    ]


async def _depth(call: Call, vault: VaultId) -> int | None:
    before = call.fields.optional_text("before")
    if before is None:
        return None
    identifier = parse_message_id(before)
    message = None if identifier is None else await call.gateway.store.messages.find_message(vault, identifier)
    if message is None:
        text = f"There is no message {before!r} in this vault."
        raise NotFoundError(text, code="memory_not_found", param="before")
    return message.depth


async def find_session(call: Call, vault: VaultId, name: str) -> Session:
    """The session of that name. NotFoundError where there is none."""
    session = await call.gateway.store.sessions.find_session(vault, SessionName(name))
    if session is None:
        text = f"There is no session {name!r} of this user."
        raise NotFoundError(text, code="session_not_found", param="session_id")
    return session


async def _summary(call: Call, name: str) -> dict[str, object]:
    vault = (await call.vault()).id
    session = await find_session(call, vault, name)
    summary = (await call.gateway.knowledge.of(vault)).summaries.get(session.number)
    if summary is None:
        text = f"The session {name!r} has no summary yet. Have it read: POST …/process."
        raise NotFoundError(text, code="summary_not_found", param="session_id")
    return (await summary_objects(call, vault, [(session, summary)]))[0]
