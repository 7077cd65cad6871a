"""The objects of the memory surface as clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from recollect.domain.ids import message_id_text
from recollect.wire.memory_objects import about, time_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.keys import MemoryKey
    from recollect.domain.messages import StoredMessage
    from recollect.domain.vaults import Session, VaultSummary


def message_object(message: StoredMessage) -> dict[str, object]:
    """A stored message as a memory of kind ``passage``."""
    return {
        "id": message_id_text(message.id),
        "object": "memory",
        "kind": "passage",
        "text": message.text,
        **about(message),
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
        "limits": [str(limit) for limit in key.limits],
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


def _beside(message: StoredMessage) -> dict[str, object]:
    return {
        "agent_id": message.agent_id,
        "metadata": orjson.Fragment(message.metadata) if message.metadata else {},
        "captured_at": time_text(message.captured_at),
        "is_live": message.is_live,
        "is_partial": message.is_partial,
    }
