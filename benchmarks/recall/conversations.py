"""Conversations with labelled questions, from any form that :mod:`benchmarks.recall.formats` reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.recall.formats import read_records
from recollect.domain.ids import MessageId, MessageNumber, SessionName, SessionNumber, digest16
from recollect.domain.messages import StoredMessage

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Question:
    """``evidence`` are external ids of messages, ``sessions`` the sessions that hold evidence."""

    id: str
    text: str
    category: str
    evidence: frozenset[str]
    sessions: frozenset[str]
    answer: str = ""
    asked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation becomes one vault."""

    id: str
    messages: tuple[StoredMessage, ...]
    questions: tuple[Question, ...]


def load_conversations(path: Path) -> list[Conversation]:
    """Every conversation of a data set that has a question. ValueError for a form that is not known."""
    return [_conversation(record) for record in read_records(path) if record["questions"]]


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
    session_of = {message.external_id: str(message.session) for message in messages}
    questions = tuple(
        Question(
            str(one["id"]),
            one["text"],
            one["category"],
            evidence := frozenset(map(str, one["evidence"])),
            frozenset(one.get("sessions") or (session_of[turn] for turn in evidence)),
            one.get("answer", ""),
            one.get("asked_at"),
        )
        for one in record["questions"]
    )
    return Conversation(str(record["id"]), tuple(messages), questions)
