"""Distilled memories with the messages that they rest on, ready for a reply."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recollect.domain.ids import SessionNumber
from recollect.wire.knowledge_objects import memory_object, summary_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recollect.domain.ids import MessageNumber, VaultId
    from recollect.domain.memories import Evidence, Memory, SessionSummary
    from recollect.domain.messages import StoredMessage
    from recollect.domain.vaults import Session
    from recollect.server.call import Call


async def messages_of(call: Call, vault: VaultId, evidence: Iterable[Evidence]) -> dict[MessageNumber, StoredMessage]:
    """The messages that are quoted, by number."""
    numbers = sorted({one.message for one in evidence})
    found = await call.gateway.store.messages.messages(vault, numbers) if numbers else []
    return {message.number: message for message in found}


async def memory_objects(
    call: Call, vault: VaultId, memories: Sequence[Memory], at: datetime | None = None
) -> list[dict[str, object]]:
    """Memories as they stand at a moment (None: now)."""
    told = await messages_of(call, vault, (each for one in memories for each in one.evidence))
    moment = at or datetime.now(UTC)
    return [memory_object(one, told, moment) for one in memories]


async def summary_objects(
    call: Call, vault: VaultId, summaries: Sequence[tuple[Session, SessionSummary]]
) -> list[dict[str, object]]:
    """Summaries with their sessions."""
    told = await messages_of(call, vault, (each for _, summary in summaries for each in summary.sentences))
    return [summary_object(session, summary, told) for session, summary in summaries]


async def session_of(call: Call, vault: VaultId, number: SessionNumber) -> Session | None:
    """The session of that number."""
    found = await call.gateway.store.sessions.list_sessions(vault, limit=1, before=SessionNumber(number + 1))
    return found[0] if found and found[0].number == number else None
