"""Messages as `/v1/memory/ingest` and the import file spell them, parsed and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from recollect.domain.messages import NewMessage
from recollect.errors import InvalidRequestError
from recollect.wire.controls import parse_time
from recollect.wire.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.wire.json_document import JsonDocument
    from recollect.wire.prompt import Utterance

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
STORED_ROLES = frozenset({"user", "assistant", "tool"})
"""Instructions are not what somebody said: as in an exchange, they are not stored."""
MAX_ID_CHARACTERS = 512


def read_ingest_messages(
    document: JsonDocument, *, now: datetime, metadata: Mapping[str, object], agent_id: str | None
) -> tuple[NewMessage, ...]:
    """The document's ``messages``, oldest first, without those that are not stored.

    Each is ``{role, content, name?, occurred_at?, id?, metadata?}``; ``metadata`` is added to every message's own.
    InvalidRequestError names the field at fault, as ``messages[2].occurred_at``.
    """
    given = document.get("messages")
    if given is None:
        raise _missing(param="messages")
    if not isinstance(given, list) or not given:
        raise _refused(param="messages", expected="a list of at least one message", code="invalid_type")
    for index, message in enumerate(given):
        _check_shape(message, f"messages[{index}]")
    utterances = DIALECTS["chat/completions"].read(document).utterances
    return tuple(
        _message(utterance, message, f"messages[{index}]", (now, metadata, agent_id))
        for index, (utterance, message) in enumerate(zip(utterances, given, strict=True))
        if utterance.is_storable and utterance.role in STORED_ROLES
    )


def _check_shape(message: object, where: str) -> None:
    if not isinstance(message, dict):
        raise _refused(param=where, expected="an object", code="invalid_type")
    role = message.get("role")
    if role is None:
        raise _missing(param=f"{where}.role")
    if not isinstance(role, str) or role not in ROLES:
        raise _refused(param=f"{where}.role", expected=f"one of {', '.join(sorted(ROLES))}", code="invalid_role")
    if "content" not in message and "tool_calls" not in message:
        raise _missing(param=f"{where}.content")


def _message(
    utterance: Utterance,
    message: Mapping[str, object],
    where: str,
    shared: tuple[datetime, Mapping[str, object], str | None],
) -> NewMessage:
    now, metadata, agent_id = shared
    external_id = _external_id(message, where)
    given_time = message.get("occurred_at")
    occurred_at = parse_time(given_time, f"{where}.occurred_at") if given_time is not None else now
    merged = {**metadata, **_metadata(message, where)}
    name = message.get("name")
    if name is not None and not isinstance(name, str):
        raise _refused(param=f"{where}.name", expected="text", code="invalid_type")
    return NewMessage(
        role=utterance.role,
        text=utterance.text,
        content=utterance.content,
        occurred_at=occurred_at,
        name=utterance.name,
        external_id=external_id,
        metadata=orjson.dumps(merged).decode() if merged else None,
        agent_id=agent_id,
        distinguisher=external_id or (occurred_at.isoformat() if given_time is not None else ""),
    )


def _external_id(message: Mapping[str, object], where: str) -> str | None:
    given = message.get("id")
    if given is None:
        return None
    if not isinstance(given, str) or not 0 < len(given) <= MAX_ID_CHARACTERS:
        raise _refused(
            param=f"{where}.id", expected=f"text of 1 to {MAX_ID_CHARACTERS} characters", code="invalid_type"
        )
    return given


def _metadata(message: Mapping[str, object], where: str) -> dict[str, object]:
    given = message.get("metadata")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _refused(param=f"{where}.metadata", expected="an object", code="invalid_metadata")
    try:
        orjson.dumps(given)
    except (TypeError, orjson.JSONEncodeError):
        expected = "an object of text, numbers up to 64 bits, lists and objects"
        raise _refused(param=f"{where}.metadata", expected=expected, code="invalid_metadata") from None
    return given


def _refused(*, param: str, expected: str, code: str) -> InvalidRequestError:
    return InvalidRequestError(f"`{param}` must be {expected}.", code=code, param=param)


def _missing(*, param: str) -> InvalidRequestError:
    return InvalidRequestError(f"`{param}` is required.", code="missing_field", param=param)
