"""What was distilled, as clients see it: memories with their sources, summaries, conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.ids import message_id_text
from recollect.domain.standing import standing_of
from recollect.wire.memory_objects import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from recollect.domain.ids import MessageNumber
    from recollect.domain.memories import Conflict, Evidence, Memory, SessionSummary
    from recollect.domain.messages import StoredMessage
    from recollect.domain.vaults import Session

    Told = Mapping[MessageNumber, StoredMessage]
    """Messages that are quoted, by number; one that is gone is left out of sources."""


def memory_object(memory: Memory, told: Told, at: datetime) -> dict[str, object]:
    """One version of a memory, and how it stands at a moment."""
    newest = _newest(memory.evidence, told)
    return {
        "id": memory.id,
        "object": "memory",
        "kind": "memory",
        "text": memory.text,
        "role": newest.role if newest else None,
        "name": newest.name if newest else None,
        "occurred_at": time_text(memory.stated_at),
        "session_id": newest.session if newest else None,
        "sources": source_objects(memory.evidence, told),
        "subject": memory.subject,
        "attribute": memory.attribute.value,
        "value": memory.value,
        "category": memory.category or None,
        "status": memory.expiry.value if memory.expiry else standing_of(memory, at).value,
        "version": memory.version,
        "valid_from": time_text(memory.valid_from),
        "valid_to": time_text(memory.valid_to),
        "recorded_at": time_text(memory.recorded_at),
        "expired_at": time_text(memory.expired_at),
        "expires_at": time_text(memory.expires_at),
        "is_pinned": memory.is_pinned,
        "is_withheld": memory.is_withheld,
        "is_quotation": memory.is_quotation,
        "useful": memory.useful,
    }


def summary_object(session: Session, summary: SessionSummary, told: Told) -> dict[str, object]:
    """A session's summary: ``short`` a sentence or two, ``long`` all there is."""
    sentences = [one.quote for one in summary.sentences]
    newest = _newest(summary.sentences, told)
    return {
        "id": summary_id(session),
        "object": "memory",
        "kind": "summary",
        "text": summary.text,
        "occurred_at": time_text(newest.occurred_at if newest else session.last_active_at),
        "session_id": session.name,
        "sources": source_objects(summary.sentences, told),
        "short": summary.short or " ".join(sentences[:SHORT_SENTENCES]),
        "long": summary.long or summary.short or "\n".join(sentences),
        "is_verbatim": not summary.short,
    }


SHORT_SENTENCES = 2


def summary_id(session: Session) -> str:
    """``sum_`` and the session's name, as in search results."""
    return f"sum_{session.name}"


def conflict_object(conflict: Conflict, sides: Iterable[Memory], told: Told) -> dict[str, object]:
    """A question, and the answers to choose from."""
    return {
        "id": conflict.id,
        "object": "conflict",
        "subject": conflict.subject,
        "attribute": conflict.attribute.value,
        "question": f"Which {conflict.attribute.value} is right: {', or '.join(conflict.values)}?",
        "choices": [
            {
                "memory_id": one.id,
                "value": one.value,
                "text": one.text,
                "stated_at": time_text(one.stated_at),
                "sources": source_objects(one.evidence, told),
            }
            for one in sides
        ],
    }


def source_objects(evidence: Iterable[Evidence], told: Told) -> list[dict[str, object]]:
    """Where it was said, in which words."""
    return [
        {
            "message_id": message_id_text(message.id),
            "external_id": message.external_id,
            "session_id": message.session,
            "quote": one.quote,
        }
        for one in evidence
        if (message := told.get(one.message)) is not None
    ]


def _newest(evidence: Iterable[Evidence], told: Told) -> StoredMessage | None:
    messages = [told[one.message] for one in evidence if one.message in told]
    return max(messages, key=lambda message: message.occurred_at, default=None)
