"""Messages as lines of a JSONL file: the form of `/v1/memory/ingest`, and what an export adds so that nothing is lost.

An export adds to a message ``agent_id`` (where it is not the session's), ``is_partial``, ``is_plain`` (the message is
known by role and content alone, as those of a chat are, not also by its time or id), and ``stored``: text and content
as they were kept, where they could not be read back from the others.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recollect.errors import InvalidRequestError
from recollect.wire.ingest_messages import read_ingest_messages
from recollect.wire.json_document import JsonDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.domain.messages import NewMessage, StoredMessage

EXTRA_FIELDS = frozenset({"agent_id", "is_partial", "is_plain", "stored"})


def read_message(
    record: object, where: str, *, now: datetime, metadata: Mapping[str, object], agent_id: str | None
) -> NewMessage | None:
    """One message; None for what is never stored (instructions, ``memory: false``).

    InvalidRequestError names the field at fault, as ``messages[2].role``; ``where`` is "" for a line that is itself a
    message.
    """
    if not isinstance(record, dict):
        problem = f"`{where}` must be an object."
        raise InvalidRequestError(problem, code="invalid_type", param=where)
    own = {name: value for name, value in record.items() if name not in EXTRA_FIELDS}
    kept = record.get("stored")
    if isinstance(kept, dict):
        own["content"] = "-"
    agent = record.get("agent_id")
    try:
        found = read_ingest_messages(
            JsonDocument.parse(json.dumps({"messages": [own]}).encode()),
            now=now,
            metadata=metadata,
            agent_id=agent if isinstance(agent, str) else agent_id,
        )
    except InvalidRequestError as error:
        raise _placed(error, where) from error
    if not found:
        return None
    message = replace(found[0], is_partial=record.get("is_partial") is True)
    if isinstance(kept, dict):
        message = replace(message, text=_text(kept.get("text")) or "", content=_text(kept.get("content")))
    return replace(message, distinguisher="") if record.get("is_plain") is True else message


def write_message(message: StoredMessage, *, is_plain: bool, agent_id: str | None = None) -> dict[str, object]:
    """A stored message as a record that :func:`read_message` makes the same message of.

    ``is_plain``: its identity is its fingerprint. ``agent_id`` is that of the line, which need not be repeated.
    """
    record: dict[str, object] = {"role": message.role, **_content(message)}
    optional = {
        "name": message.name,
        "occurred_at": message.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "id": message.external_id,
        "metadata": json.loads(message.metadata) if message.metadata else None,
        "agent_id": message.agent_id if message.agent_id != agent_id else None,
        "is_partial": message.is_partial or None,
        "is_plain": is_plain or None,
    }
    record.update({name: value for name, value in optional.items() if value is not None})
    again = _read_again(record)
    if again is None or (again.text, again.content) != (message.text, message.content):
        record["stored"] = {"text": message.text, "content": message.content}
    return record


def _read_again(record: dict[str, object]) -> NewMessage | None:
    try:
        return read_message(record, "", now=datetime.now(UTC), metadata={}, agent_id=None)
    except InvalidRequestError:
        return None


def _content(message: StoredMessage) -> dict[str, object]:
    """The content as clients write it: text, parts, or what an assistant's message holds beside its text."""
    if message.content is None:
        return {"content": message.text}
    content = json.loads(message.content)
    if not isinstance(content, dict):
        return {"content": content}
    return {"content": content.get("content"), **{name: value for name, value in content.items() if name != "content"}}


def _placed(error: InvalidRequestError, where: str) -> InvalidRequestError:
    """The error of a list of one, at its place in the line."""
    old, new = ("messages[0]", where) if where else ("messages[0].", "")
    return InvalidRequestError(
        error.message.replace(old, new), code=error.code, param=(error.param or "").replace(old, new) or None
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
