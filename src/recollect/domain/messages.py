"""Messages: the truth from which everything else is derived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from recollect.domain.ids import Fingerprint, digest16

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import MessageId, MessageNumber, SessionName, SessionNumber

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class NewMessage:
    """An utterance that is to be stored.

    ``text`` is what people read and what is indexed: the text parts joined by newlines, with
    ``[image]`` and the like for other parts. ``content`` is the JSON text of the content exactly as the
    client or the provider wrote it, or None where it is just ``text`` as a JSON string.
    ``partial`` marks a reply that broke off. ``metadata`` is a JSON object's text.
    """

    role: Role
    text: str
    occurred_at: datetime
    content: str | None = None
    name: str | None = None
    external_id: str | None = None
    metadata: str | None = None
    agent_id: str | None = None
    is_partial: bool = False
    distinguisher: str = ""
    """Set where the same words are a new message: the caller's own time or id (ingest)."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Hash of role and canonical content: the text without surrounding space, or the raw content.

        A request's history is compared by it: a client that sends words again does not tell when they were said.
        """
        return fingerprint(self.role, self.content or self.text)

    @property
    def identity(self) -> Fingerprint:
        """The fingerprint, with the distinguisher where there is one: message ids are built on it."""
        return fingerprint(self.role, self.content or self.text, self.distinguisher)


def fingerprint(role: str, content: str, distinguisher: str = "") -> Fingerprint:
    """A 16-byte content hash."""
    return Fingerprint(
        digest16(role.encode(), content.strip().encode("utf-8", "surrogatepass"), distinguisher.encode())
    )


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as the store returns it. ``is_live`` is false on an abandoned branch."""

    id: MessageId
    number: MessageNumber
    session: SessionName
    session_number: SessionNumber
    depth: int
    is_live: bool
    captured_at: datetime
    role: Role
    text: str
    occurred_at: datetime
    content: str | None = None
    name: str | None = None
    external_id: str | None = None
    metadata: str | None = None
    agent_id: str | None = None
    is_partial: bool = False
