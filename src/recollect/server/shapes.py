"""The objects of the memory surface as clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from recollect.domain.ids import message_id_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.keys import MemoryKey
    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import Hit
    from recollect.domain.vaults import Session, VaultSummary


def time_text(moment: datetime | None) -> str | None:
    """RFC 3339, with ``Z`` for UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def hit_object(hit: Hit, *, is_explained: bool = False) -> dict[str, object]:
    """A memory as ``search`` and ``prepare`` return it. A piece of a long message has its place in the id."""
    message = hit.message
    is_whole = hit.start == 0 and hit.end >= len(message.text)
    identifier = message_id_text(message.id)
    found: dict[str, object] = {
        "id": identifier if is_whole else f"{identifier}:{hit.start}-{hit.end}",
        "object": "memory",
        "kind": hit.kind,
        "text": hit.text,
        "score": round(hit.score, 6),
        **_about(message),
        "tokens": hit.tokens,
    }
    if is_explained:
        found["explain"] = {"signals": {name: round(value, 6) for name, value in hit.signals.items()}}
    return found


def message_object(message: StoredMessage) -> dict[str, object]:
    """A stored message as a memory of kind ``passage``."""
    return {
        "id": message_id_text(message.id),
        "object": "memory",
        "kind": "passage",
        "text": message.text,
        **_about(message),
        **_beside(message),
    }


def session_message_object(message: StoredMessage) -> dict[str, object]:
    """A stored message as one of its session's: content as it was said."""
    content = orjson.Fragment(message.content) if message.content else message.text
    return {
        "id": message_id_text(message.id),
        "object": "message",
        "role": message.role,
        "content": content,
        "text": message.text,
        "name": message.name,
        "occurred_at": time_text(message.occurred_at),
        "external_id": message.external_id,
        **_beside(message),
    }


def session_object(session: Session) -> dict[str, object]:
    """A session."""
    return {
        "id": session.name,
        "object": "session",
        "agent_id": session.agent_id,
        "started_at": time_text(session.started_at),
        "last_active_at": time_text(session.last_active_at),
        "messages": session.messages,
    }


def user_object(summary: VaultSummary) -> dict[str, object]:
    """A user."""
    return {
        "id": summary.vault.user,
        "object": "user",
        "created_at": time_text(summary.vault.created_at),
        "last_active_at": time_text(summary.last_active_at),
        "messages": summary.messages,
        "sessions": summary.sessions,
    }


def key_object(key: MemoryKey) -> dict[str, object]:
    """A memory key without its secret, which is not kept."""
    return {
        "id": key.id,
        "object": "memory_key",
        "project": key.project,
        "kind": key.kind.value,
        "mode": key.mode.value,
        "user": key.user,
        "name": key.name,
        "hint": key.hint,
        "created_at": time_text(key.created_at),
        "revoked_at": time_text(key.revoked_at),
    }


def list_object(items: Sequence[dict[str, object]], *, has_more: bool) -> dict[str, object]:
    """A page, as OpenAI's lists are: go on with ``after`` = ``last_id``."""
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def _about(message: StoredMessage) -> dict[str, object]:
    return {
        "role": message.role,
        "name": message.name,
        "occurred_at": time_text(message.occurred_at),
        "session_id": message.session,
        "sources": [{"message_id": message_id_text(message.id), "external_id": message.external_id}],
    }


def _beside(message: StoredMessage) -> dict[str, object]:
    return {
        "agent_id": message.agent_id,
        "metadata": orjson.Fragment(message.metadata) if message.metadata else {},
        "captured_at": time_text(message.captured_at),
        "is_live": message.is_live,
        "is_partial": message.is_partial,
    }
