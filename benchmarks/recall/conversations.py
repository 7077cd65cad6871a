"""The data format: one JSON object a line, a conversation with sessions and questions."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recollect.domain.ids import MessageId, MessageNumber, SessionName, SessionNumber, digest16
from recollect.domain.messages import StoredMessage

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Question:
    """``evidence`` are external ids of messages."""

    id: str
    text: str
    category: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation becomes one vault."""

    id: str
    messages: tuple[StoredMessage, ...]
    questions: tuple[Question, ...]


def load_conversations(path: Path) -> list[Conversation]:
    """Read ``{"id", "sessions": [{"id", "messages": [...]}], "questions": [...]}`` lines, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [_conversation(json.loads(line)) for line in lines if line.strip()]


def _conversation(record: dict[str, Any]) -> Conversation:
    messages: list[StoredMessage] = []
    for session_number, session in enumerate(record["sessions"], 1):
        for depth, message in enumerate(session["messages"]):
            number = len(messages) + 1
            messages.append(
                StoredMessage(
                    id=MessageId(digest16(str(record["id"]).encode(), str(number).encode())),
                    number=MessageNumber(number),
                    session=SessionName(str(session["id"])),
                    session_number=SessionNumber(session_number),
                    depth=depth,
                    is_live=True,
                    captured_at=datetime.now(UTC),
                    role=message["role"],
                    text=message["content"],
                    occurred_at=datetime.fromisoformat(message["occurred_at"]),
                    name=message.get("name"),
                    external_id=str(message["id"]),
                )
            )
    questions = tuple(
        Question(str(one["id"]), one["text"], one["category"], frozenset(map(str, one["evidence"])))
        for one in record["questions"]
    )
    return Conversation(str(record["id"]), tuple(messages), questions)
