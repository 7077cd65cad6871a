"""Messages, injections and traces in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recollect.stores.in_memory.capturing import capture_into, keep_injection
from recollect.stores.text import storable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.capture import Capture, CaptureReceipt, Injection
    from recollect.domain.ids import Lineage, MessageId, MessageNumber, ProjectId, SessionNumber, TraceId, VaultId
    from recollect.domain.messages import StoredMessage
    from recollect.domain.traces import Trace
    from recollect.stores.in_memory.state import MemoryState


class InMemoryMessages:
    """Implements :class:`recollect.stores.base.MessageStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def capture(self, capture: Capture) -> CaptureReceipt:
        """See :meth:`MessageStore.capture`."""
        self._state.ensure_open()
        return capture_into(self._state, capture)

    async def messages(self, vault: VaultId, numbers: Sequence[MessageNumber]) -> list[StoredMessage]:
        """See :meth:`MessageStore.messages`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        known = {} if record is None else record.messages
        return [known[number].stored for number in numbers if number in known]

    async def find_message(self, vault: VaultId, message: MessageId) -> StoredMessage | None:
        """See :meth:`MessageStore.find_message`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        number = None if record is None else record.numbers.get(message)
        return None if record is None or number is None else record.messages[number].stored

    async def session_messages(
        self, vault: VaultId, session: SessionNumber, *, limit: int, before_depth: int | None = None
    ) -> list[StoredMessage]:
        """See :meth:`MessageStore.session_messages`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        branch = [] if record is None else [entry.stored for entry in record.live(session)]
        below = [message for message in branch if before_depth is None or message.depth < before_depth]
        return below[max(len(below) - limit, 0) :]

    async def list_messages(
        self, vault: VaultId, *, limit: int, after: MessageNumber | None = None
    ) -> list[StoredMessage]:
        """See :meth:`MessageStore.list_messages`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        known = {} if record is None else record.messages
        return [entry.stored for number, entry in known.items() if number > (after or 0)][:limit]

    async def delete_message(self, vault: VaultId, message: MessageId) -> bool:
        """See :meth:`MessageStore.delete_message`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        number = None if record is None else record.numbers.pop(message, None)
        if record is None or number is None:
            return False
        gone = record.messages.pop(number)
        record.epoch += 1
        record.sequence += 1
        record.forget_message(gone.stored.number, gone.stored.session_number, self._state.clock())
        session = record.sessions[gone.stored.session]
        record.sessions[session.name] = replace(session, messages=session.messages - gone.stored.is_live)
        record.injections = {
            key: injection for key, injection in record.injections.items() if number not in injection.sources
        }
        self._state.traces = {
            key: trace
            for key, trace in self._state.traces.items()
            if trace.vault != vault or (number not in trace.sources and trace.id != gone.trace_id)
        }
        self._state.forget_bodies(record.vault)
        return True


class InMemoryInjections:
    """Implements :class:`recollect.stores.base.InjectionStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def injections(self, vault: VaultId, lineages: Sequence[Lineage]) -> list[Injection]:
        """See :meth:`InjectionStore.injections`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        known = {} if record is None else record.injections
        return [known[lineage] for lineage in dict.fromkeys(lineages) if lineage in known]

    async def put_injection(self, vault: VaultId, injection: Injection) -> None:
        """See :meth:`InjectionStore.put_injection`; dropped where the vault or a quoted message is gone."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is not None:
            keep_injection(record, injection)


class InMemoryTraces:
    """Implements :class:`recollect.stores.base.TraceStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def put_trace(self, trace: Trace) -> None:
        """See :meth:`TraceStore.put_trace`; dropped where the vault or a quoted message is gone."""
        self._state.ensure_open()
        record = None if trace.vault is None else self._state.vaults.get(trace.vault)
        is_kept = not trace.sources if trace.vault is None else record is not None and record.has_all(trace.sources)
        if is_kept:
            self._state.traces[trace.project, trace.id] = replace(trace, body=storable(trace.body))

    async def find_trace(self, project: ProjectId, trace: TraceId) -> Trace | None:
        """See :meth:`TraceStore.find_trace`."""
        self._state.ensure_open()
        return self._state.traces.get((project, trace))

    async def prune_traces(self, older_than: datetime) -> int:
        """See :meth:`TraceStore.prune_traces`."""
        self._state.ensure_open()
        old = [key for key, trace in self._state.traces.items() if trace.created_at < older_than]
        for key in old:
            del self._state.traces[key]
        return len(old)
