"""One capture into the in-memory store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recollect.domain.capture import CaptureReceipt
from recollect.domain.ids import MessageNumber, SessionNumber
from recollect.domain.messages import StoredMessage
from recollect.domain.vaults import Session
from recollect.stores.in_memory.state import MessageRecord
from recollect.stores.placement import Standing, place
from recollect.stores.text import storable

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.capture import Capture, Injection
    from recollect.domain.ids import MessageId
    from recollect.domain.messages import NewMessage
    from recollect.stores.in_memory.state import MemoryState, VaultRecord
    from recollect.stores.placement import NewPlace


def capture_into(state: MemoryState, capture: Capture) -> CaptureReceipt:
    """Store the capture; see :meth:`MessageStore.capture`."""
    vault = state.ensure_vault(capture.project, capture.user)
    session = vault.sessions.get(capture.session) or _open_session(vault, capture)
    view = _SessionView(vault, session.number)
    placement = place(capture, view, session_number=session.number, next_number=vault.next_message_number)
    vault.sequence += 1
    vault.set_live(placement.retired, is_live=False)
    vault.set_live(placement.revived, is_live=True)
    for new in placement.new:
        _insert(vault, session, capture, new)
    vault.next_message_number += len(placement.new)
    active_at = _active_at(capture)
    vault.last_active_at = max(vault.last_active_at or active_at, active_at)
    vault.sessions[capture.session] = replace(
        session,
        messages=session.messages + placement.live_change,
        last_active_at=max(session.last_active_at, active_at),
    )
    if placement.retired or placement.revived:
        vault.knowledge_sequence += 1
    if placement.new or placement.retired or placement.revived:
        characters = sum(len(new.message.text) for new in placement.new)
        vault.mark_changed(session.number, state.clock(), characters, is_urgent=False)
    state.enqueue(vault.vault.id, [MessageNumber(new.number) for new in placement.new])
    if capture.injection is not None:
        keep_injection(vault, capture.injection)
    return CaptureReceipt(
        ids=tuple(placement.ids),
        numbers=tuple(map(MessageNumber, placement.numbers)),
        stored=len(placement.new),
        duplicates=len(placement.ids) - len(placement.new),
        session_number=session.number,
    )


def keep_injection(vault: VaultRecord, injection: Injection) -> None:
    """Remember an injection, unless a message that it quotes is gone."""
    if vault.has_all(injection.sources):
        vault.injections[injection.lineage] = replace(injection, block=storable(injection.block))


def _open_session(vault: VaultRecord, capture: Capture) -> Session:
    started_at = min((message.occurred_at for message in capture.messages), default=capture.captured_at)
    number = SessionNumber(len(vault.sessions) + 1)
    return Session(capture.session, number, capture.agent_id, started_at, _active_at(capture), messages=0)


def _active_at(capture: Capture) -> datetime:
    """When the newest message was said: an import of old conversations does not count as activity of today."""
    newest = max((message.occurred_at for message in capture.messages), default=capture.captured_at)
    return min(newest, capture.captured_at)


def _insert(vault: VaultRecord, session: Session, capture: Capture, new: NewPlace) -> None:
    message = new.message
    stored = StoredMessage(
        id=new.id,
        number=MessageNumber(new.number),
        session=session.name,
        session_number=session.number,
        depth=new.depth,
        is_live=True,
        captured_at=capture.captured_at,
        role=message.role,
        text=storable(message.text),
        occurred_at=message.occurred_at,
        content=storable(message.content),
        name=storable(message.name),
        external_id=storable(message.external_id),
        metadata=storable(message.metadata),
        agent_id=storable(message.agent_id or capture.agent_id),
        is_partial=message.is_partial,
    )
    vault.messages[new.number] = MessageRecord(
        stored, message.fingerprint, message.identity, new.parent_number, vault.sequence, capture.trace_id
    )
    vault.numbers[new.id] = new.number


class _SessionView:
    """Implements :class:`recollect.stores.placement.SessionView`."""

    def __init__(self, vault: VaultRecord, session: SessionNumber) -> None:
        self._vault = vault
        self._session = session

    def head(self) -> Standing | None:
        branch = self._vault.live(self._session)
        return _standing(branch[-1]) if branch else None

    def by_id(self, message: MessageId) -> Standing | None:
        number = self._vault.numbers.get(message)
        return None if number is None else self.by_number(number)

    def by_number(self, number: int) -> Standing | None:
        record = self._vault.messages.get(number)
        return None if record is None else _standing(record)

    def by_external_id(self, external_id: str) -> Standing | None:
        wanted = storable(external_id)
        found = [record for record in self._records() if record.stored.external_id == wanted]
        return _standing(found[-1]) if found else None

    def by_delivery(self, message: NewMessage, captured_at: datetime) -> Standing | None:
        identity = message.identity
        for record in self._records():
            if record.identity == identity and record.stored.captured_at >= captured_at:
                return _standing(record)
        return None

    def live_from(self, depth: int) -> list[tuple[int, int]]:
        branch = self._vault.live(self._session)
        return [(record.stored.depth, record.stored.number) for record in branch if record.stored.depth >= depth]

    def _records(self) -> list[MessageRecord]:
        return [record for record in self._vault.messages.values() if record.stored.session_number == self._session]


def _standing(record: MessageRecord) -> Standing:
    stored = record.stored
    return Standing(
        number=stored.number,
        session_number=stored.session_number,
        depth=stored.depth,
        is_live=stored.is_live,
        id=stored.id,
        identity=record.identity,
        role=stored.role,
        parent_number=record.parent_number,
    )
