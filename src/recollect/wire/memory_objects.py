"""A memory as clients see it, wherever it comes up: ``search``, ``prepare``, and a verbose reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.ids import message_id_text

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import Hit, Source


def time_text(moment: datetime | None) -> str | None:
    """RFC 3339, with ``Z`` for UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def hit_object(hit: Hit, *, is_explained: bool = False) -> dict[str, object]:
    """What was recalled. A piece of a long message has its place in the id."""
    message = hit.message
    is_whole = hit.start == 0 and hit.end >= len(message.text)
    identifier = message_id_text(message.id)
    found: dict[str, object] = {
        "id": hit.id or (identifier if is_whole else f"{identifier}:{hit.start}-{hit.end}"),
        "object": "memory",
        "kind": hit.kind,
        "text": hit.text,
        "score": round(hit.score, 6),
        **about(message),
        **({"sources": [_source(source) for source in hit.sources]} if hit.sources else {}),
        "tokens": hit.tokens,
    }
    if is_explained:
        found["explain"] = {"signals": {name: round(value, 6) for name, value in hit.signals.items()}}
    return found


def _source(source: Source) -> dict[str, object]:
    message = source.message
    return {
        "message_id": message_id_text(message.id),
        "external_id": message.external_id,
        "quote": source.quote,
    }


def about(message: StoredMessage) -> dict[str, object]:
    """Who said it, when, and where it is stored."""
    return {
        "role": message.role,
        "name": message.name,
        "occurred_at": time_text(message.occurred_at),
        "session_id": message.session,
        "sources": [{"message_id": message_id_text(message.id), "external_id": message.external_id}],
    }
