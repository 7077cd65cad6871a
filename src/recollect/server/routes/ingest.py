"""``POST /v1/memory/ingest``: store messages without a provider."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from starlette.routing import Route

from recollect.domain.calls import IngestCall
from recollect.domain.ids import SessionName
from recollect.domain.messages import NewMessage
from recollect.server.call import json_response, missing, refused
from recollect.wire.controls import parse_time
from recollect.wire.dialects import DIALECTS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.server.call import Call, CallReader
    from recollect.wire.prompt import Utterance

FIELDS = frozenset({"messages", "wait", "metadata", "memory_metadata"})
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
STORED_ROLES = frozenset({"user", "assistant", "tool"})
"""Instructions are not what somebody said: as in an exchange, they are not stored."""
MAX_ID_CHARACTERS = 512


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
    given = fields.document.get("messages")
    if given is None:
        raise missing(param="messages")
    if not isinstance(given, list) or not given:
        raise refused(param="messages", expected="a list of at least one message", code="invalid_type")
    for index, message in enumerate(given):
        _check_role(message, index)
    utterances = DIALECTS["chat/completions"].read(fields.document).utterances
    session = controls.session
    return IngestCall(
        user=call.user,
        messages=tuple(
            _message(call, utterance, message, index, now)
            for index, (utterance, message) in enumerate(zip(utterances, given, strict=True))
            if utterance.is_storable and utterance.role in STORED_ROLES
        ),
        session_id=SessionName(session) if session is not None else None,
        agent_id=controls.agent_id,
        waits_for_index=fields.flag("wait"),
        may_create_user=controls.may_create_user,
        session_timeout_s=controls.session_timeout_s,
    )


def _check_role(message: object, index: int) -> None:
    if not isinstance(message, dict):
        raise refused(param=f"messages[{index}]", expected="an object", code="invalid_type")
    role = message.get("role")
    if role is None:
        raise missing(param=f"messages[{index}].role")
    if not isinstance(role, str) or role not in ROLES:
        raise refused(
            param=f"messages[{index}].role", expected=f"one of {', '.join(sorted(ROLES))}", code="invalid_role"
        )
    if "content" not in message and "tool_calls" not in message:
        raise missing(param=f"messages[{index}].content")


def _message(call: Call, utterance: Utterance, message: dict[str, object], index: int, now: datetime) -> NewMessage:
    where = f"messages[{index}]"
    external_id = _external_id(message, where)
    given_time = message.get("occurred_at")
    occurred_at = parse_time(given_time, f"{where}.occurred_at") if given_time is not None else now
    metadata = {**call.controls.metadata, **_metadata(message, where)}
    name = message.get("name")
    if name is not None and not isinstance(name, str):
        raise refused(param=f"{where}.name", expected="text", code="invalid_type")
    return NewMessage(
        role=utterance.role,
        text=utterance.text,
        content=utterance.content,
        occurred_at=occurred_at,
        name=utterance.name,
        external_id=external_id,
        metadata=orjson.dumps(metadata).decode() if metadata else None,
        agent_id=call.controls.agent_id,
        distinguisher=external_id or (occurred_at.isoformat() if given_time is not None else ""),
    )


def _external_id(message: dict[str, object], where: str) -> str | None:
    given = message.get("id")
    if given is None:
        return None
    if not isinstance(given, str) or not 0 < len(given) <= MAX_ID_CHARACTERS:
        raise refused(param=f"{where}.id", expected=f"text of 1 to {MAX_ID_CHARACTERS} characters", code="invalid_type")
    return given


def _metadata(message: dict[str, object], where: str) -> dict[str, object]:
    given = message.get("metadata")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise refused(param=f"{where}.metadata", expected="an object", code="invalid_metadata")
    try:
        orjson.dumps(given)
    except (TypeError, orjson.JSONEncodeError):
        raise refused(
            param=f"{where}.metadata",
            expected="an object of text, numbers up to 64 bits, lists and objects",
            code="invalid_metadata",
        ) from None
    return given
