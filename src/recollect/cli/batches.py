"""From the lines of a JSONL file to batches that are stored together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.cli.records import read_message
from recollect.domain.ids import SessionName, digest16
from recollect.errors import InvalidRequestError
from recollect.wire.json_document import JsonDocument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recollect.domain.messages import NewMessage

SESSION_PAUSE = timedelta(seconds=600)
"""A pause this long between the messages of a user begins a new session, where lines name none."""
MOST_MESSAGES = 500
MOST_OPEN = 64
SESSION_ID_DIGITS = 24


@dataclass(slots=True)
class Batch:
    """Messages of one session, in order."""

    user: str
    session: SessionName
    agent_id: str | None
    messages: list[NewMessage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One line, read. ``session`` is None where it names none; ``is_conversation``: it has ``messages`` of its own.

    ``is_timed``: the line says when its message was said.
    """

    user: str
    session: str | None
    agent_id: str | None
    messages: tuple[NewMessage, ...]
    is_conversation: bool
    is_timed: bool


def read_line(line: bytes, *, default_user: str | None, now: datetime) -> Line | None:
    """One line: a conversation, or one message with ``user`` and ``session_id`` beside ``role`` and ``content``.

    None for a line that holds nothing to import: an abandoned branch. InvalidRequestError says what is wrong.
    """
    document = JsonDocument.parse(line)
    if document.get("is_abandoned") is True:
        return None
    user = _name(document, "user", "user_id") or default_user
    if user is None:
        message = "`user` is required: in the line, or as --user."
        raise InvalidRequestError(message, code="missing_field", param="user")
    agent = _name(document, "agent_id")
    metadata = _metadata(document)
    records = document.get("messages")
    is_conversation = records is not None
    if records is None:
        records = [_without(document, "user", "user_id", "session_id", "run_id", "agent_id")]
        metadata = {}
    if not isinstance(records, list) or not records:
        message = "`messages` must be a list of at least one message."
        raise InvalidRequestError(message, code="invalid_type", param="messages")
    places = [f"messages[{index}]" if is_conversation else "" for index in range(len(records))]
    read = (
        read_message(record, where, now=now, metadata=metadata, agent_id=agent)
        for record, where in zip(records, places, strict=True)
    )
    messages = tuple(message for message in read if message is not None)
    is_timed = not is_conversation and document.get("occurred_at") is not None
    return Line(user, _name(document, "session_id", "run_id"), agent, messages, is_conversation, is_timed)


class Batcher:
    """Puts the messages of a session together, so that a file with one message a line is stored in few steps.

    Sessions without a name get one that depends on the file's content alone: importing it again adds nothing.
    """

    def __init__(self) -> None:
        """Begin with nothing open."""
        self._open: dict[tuple[str, str], Batch] = {}
        self._runs: dict[tuple[str, str | None], tuple[SessionName, datetime]] = {}

    def add(self, line: Line) -> list[Batch]:
        """Take one line; the batches that are finished by it."""
        if not line.messages:
            return []
        session = SessionName(line.session) if line.session else self._session_of(line)
        key = (line.user, session)
        batch = self._open.pop(key, None) or Batch(line.user, session, line.agent_id)
        batch.messages += line.messages
        if line.is_conversation or len(batch.messages) >= MOST_MESSAGES:
            return [batch]
        self._open[key] = batch
        return [self._open.pop(next(iter(self._open)))] if len(self._open) > MOST_OPEN else []

    def finish(self) -> list[Batch]:
        """What is left."""
        left = list(self._open.values())
        self._open.clear()
        return left

    def _session_of(self, line: Line) -> SessionName:
        if line.is_conversation:
            return _derived(line, line.messages)
        key, newest = (line.user, line.agent_id), line.messages[-1].occurred_at
        known = self._runs.get(key)
        goes_on = known is not None and (not line.is_timed or newest - known[1] <= SESSION_PAUSE)
        name = known[0] if known is not None and goes_on else _derived(line, line.messages[:1])
        self._runs[key] = (name, newest)
        return name


def _derived(line: Line, messages: tuple[NewMessage, ...]) -> SessionName:
    marks = (message.identity for message in messages)
    digest = digest16(b"import", line.user.encode(), (line.agent_id or "").encode(), *marks)
    return SessionName(f"ses_{digest.hex()[:SESSION_ID_DIGITS]}")


def _name(document: JsonDocument, *fields: str) -> str | None:
    """The first of these fields that is given."""
    for field_name in fields:
        value = document.get(field_name)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            message = f"`{field_name}` must be text."
            raise InvalidRequestError(message, code="invalid_type", param=field_name)
        return value
    return None


def _metadata(document: JsonDocument) -> Mapping[str, object]:
    given = document.get("metadata")
    if given is not None and not isinstance(given, dict):
        message = "`metadata` must be an object."
        raise InvalidRequestError(message, code="invalid_metadata", param="metadata")
    return given or {}


def _without(document: JsonDocument, *fields: str) -> dict[str, object]:
    return {name: value for name, value in document.values.items() if name not in fields}
