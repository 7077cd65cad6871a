"""``POST /v1/memory/ingest``: store messages without a provider."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.calls import IngestCall
from recollect.domain.ids import SessionName
from recollect.server.call import json_response
from recollect.wire.ingest_messages import read_ingest_messages

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"messages", "wait", "metadata", "memory_metadata"})


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def ingest(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=True)
        result = await call.gateway.calls.ingest(call.principal, parse(call, now=datetime.now(UTC)))
        return json_response(
            {
                "object": "memory.ingest",
                "stored": result.stored,
                "duplicates": result.duplicates,
                "session_id": result.session_id,
                "indexed": result.is_indexed,
            }
        )

    return [Route("/memory/ingest", ingest, methods=["POST"])]


def parse(call: Call, *, now: datetime) -> IngestCall:
    """The call as the gateway takes it. InvalidRequestError names the field, and nothing is stored."""
    fields, controls = call.fields, call.controls
    session = controls.session
    return IngestCall(
        user=call.user,
        messages=read_ingest_messages(fields.document, now=now, metadata=controls.metadata, agent_id=controls.agent_id),
        session_id=SessionName(session) if session is not None else None,
        agent_id=controls.agent_id,
        waits_for_index=fields.flag("wait"),
        may_create_user=controls.may_create_user,
        session_timeout_s=controls.session_timeout_s,
    )
