"""Messages in SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recollect.domain.messages import StoredMessage
from recollect.stores.sqlite.capturing import CaptureTransaction
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from recollect.domain.capture import Capture, CaptureReceipt
    from recollect.domain.ids import MessageId, MessageNumber, SessionNumber, VaultId
    from recollect.stores.sqlite.database import Database

CAPTURE_TIMEOUT_S = 1.5
"""A reply waits for its capture: beyond this it is better spooled."""
_NO_DEPTH_ABOVE = 2**62


class SqliteMessages:
    """Implements :class:`recollect.stores.base.MessageStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def capture(self, capture: Capture) -> CaptureReceipt:
        """See :meth:`MessageStore.capture`."""
        now = self._db.now()
        return await self._db.write_within(
            CAPTURE_TIMEOUT_S, lambda connection: CaptureTransaction(connection, self._db.sql, capture, now).run()
        )

    async def messages(self, vault: VaultId, numbers: Sequence[MessageNumber]) -> list[StoredMessage]:
        """See :meth:`MessageStore.messages`."""
        found = await self._select("messages", {"vault": vault, "numbers": json.dumps(list(numbers))})
        by_number = {message.number: message for message in found}
        return [by_number[number] for number in numbers if number in by_number]

    async def find_message(self, vault: VaultId, message: MessageId) -> StoredMessage | None:
        """See :meth:`MessageStore.find_message`."""
        found = await self._select("find_message", {"vault": vault, "id": message})
        return found[0] if found else None

    async def session_messages(
        self, vault: VaultId, session: SessionNumber, *, limit: int, before_depth: int | None = None
    ) -> list[StoredMessage]:
        """See :meth:`MessageStore.session_messages`."""
        before = _NO_DEPTH_ABOVE if before_depth is None else before_depth
        values = {"vault": vault, "session": session, "limit": limit, "before": before}
        return (await self._select("session_messages", values))[::-1]

    async def list_messages(
        self, vault: VaultId, *, limit: int, after: MessageNumber | None = None
    ) -> list[StoredMessage]:
        """See :meth:`MessageStore.list_messages`."""
        return await self._select("list_messages", {"vault": vault, "limit": limit, "after": after or 0})

    async def delete_message(self, vault: VaultId, message: MessageId) -> bool:
        """See :meth:`MessageStore.delete_message`. See :meth:`Database.scrub`."""
        is_deleted = await self._db.write(lambda connection: self._delete(connection, vault, message))
        if is_deleted:
            await self._db.scrub()
        return is_deleted

    def _delete(self, connection: sqlite3.Connection, vault: VaultId, message: MessageId) -> bool:
        sql = self._db.sql
        row = connection.execute(sql["doomed_message"], {"vault": vault, "id": message}).fetchone()
        if row is None:
            return False
        number, session, is_live, trace = row
        values = {"vault": vault, "number": number, "session": session, "live": is_live, "trace_id": trace}
        values["at_us"] = to_us(self._db.now())
        for step in (
            "delete_message_passages",
            "delete_message_injections",
            "delete_message_traces",
            "delete_message_request_bodies",
            "delete_message_extractions",
            "delete_message_edits",
            "delete_message",
            "shrink_session",
            "shrink_vault",
            "request_session",
        ):
            connection.execute(sql[step], values)
        return True

    async def _select(self, query: str, values: dict[str, Any]) -> list[StoredMessage]:
        sql = self._db.sql[query]
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return [_message(row) for row in rows]


def _message(row: tuple[Any, ...]) -> StoredMessage:
    (
        identifier,
        number,
        session,
        session_number,
        depth,
        is_live,
        captured_at_us,
        role,
        text,
        occurred_at_us,
        content,
        name,
        external_id,
        metadata,
        agent_id,
        is_partial,
    ) = row
    return StoredMessage(
        id=identifier,
        number=number,
        session=session,
        session_number=session_number,
        depth=depth,
        is_live=bool(is_live),
        captured_at=from_us(captured_at_us),
        role=role,
        text=text,
        occurred_at=from_us(occurred_at_us),
        content=content,
        name=name,
        external_id=external_id,
        metadata=metadata,
        agent_id=agent_id,
        is_partial=bool(is_partial),
    )
