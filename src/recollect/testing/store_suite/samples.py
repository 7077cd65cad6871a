"""What the tests of a store are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recollect.domain.capture import After, AtHead, Capture
from recollect.domain.ids import ProjectId, SessionName
from recollect.domain.messages import NewMessage
from recollect.stores.base import PassageRow

if TYPE_CHECKING:
    from recollect.domain.capture import Anchor, CaptureReceipt, Injection
    from recollect.domain.ids import MessageId, SessionNumber, TraceId, VaultId
    from recollect.domain.messages import Role
    from recollect.stores.base import Store

PROJECT = ProjectId("project")
START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
HEAD = AtHead()


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        """Begin at this time."""
        self.at = at

    def __call__(self) -> datetime:
        """The time."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.at += timedelta(seconds=seconds)


def said(
    role: Role, text: str, *, external_id: str | None = None, at: datetime = START, distinguisher: str = ""
) -> NewMessage:
    """A message; a plain one without a distinguisher."""
    return NewMessage(role=role, text=text, occurred_at=at, external_id=external_id, distinguisher=distinguisher)


def passage(number: int, piece: int = 0, *, model: str = "model-a", mark: bytes = b"\0") -> PassageRow:
    """A passage whose blobs are recognisable, with zero bytes and all."""
    return PassageRow(
        message_number=number,
        piece=piece,
        start=0,
        end=5,
        tokens=7,
        model=model,
        terms=mark + b"\0terms\xff",
        dense=mark * 384,
        states=b"\xfe\0" + mark * 48,
        state_ids=b"",
        extra=mark,
    )


@dataclass(slots=True)
class Writer:
    """Captures for one user, every one a second after the last."""

    store: Store
    user: str = "alice"
    at: datetime = START
    agent_id: str | None = None
    project: ProjectId = PROJECT
    receipts: list[CaptureReceipt] = field(default_factory=list)

    async def write(
        self,
        *messages: NewMessage,
        anchor: Anchor = HEAD,
        session: str = "s",
        injection: Injection | None = None,
        trace_id: TraceId | None = None,
    ) -> CaptureReceipt:
        """Capture these messages."""
        self.at += timedelta(seconds=1)
        capture = Capture(
            project=self.project,
            user=self.user,
            session=SessionName(session),
            anchor=anchor,
            messages=messages,
            captured_at=self.at,
            agent_id=self.agent_id,
            injection=injection,
            trace_id=trace_id,
        )
        receipt = await self.store.messages.capture(capture)
        self.receipts.append(receipt)
        return receipt

    async def exchange(self, question: str, answer: str, *, after: MessageId | None = None) -> CaptureReceipt:
        """Capture a question and its answer, at the head or behind a message."""
        anchor = HEAD if after is None else After(after)
        return await self.write(said("user", question), said("assistant", answer), anchor=anchor)

    async def vault(self) -> VaultId:
        """The user's vault."""
        vault = await self.store.vaults.open_vault(self.project, self.user, may_create=True)
        assert vault is not None
        return vault.id

    async def texts(self, session: SessionNumber | None = None) -> list[str]:
        """The live branch, read."""
        number = self.receipts[-1].session_number if session is None else session
        found = await self.store.messages.session_messages(await self.vault(), number, limit=1000)
        return [message.text for message in found]
