"""Sessions and their live branches in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recollect.domain.vaults import BranchEntry, Session
from recollect.stores.times import from_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from recollect.domain.ids import Fingerprint, SessionName, SessionNumber, VaultId
    from recollect.stores.sqlite.database import Database

_PLACES_LIMIT = 500
"""How many fingerprints are looked up at most: the newest of them (SQLite bounds the parameters of a query)."""
_NO_NUMBER_ABOVE = 2**62


class SqliteSessions:
    """Implements :class:`recollect.stores.base.SessionStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def find_session(self, vault: VaultId, name: SessionName) -> Session | None:
        """See :meth:`SessionStore.find_session`."""
        found = await self._sessions(self._db.sql["find_session"], {"vault": vault, "name": name})
        return found[0] if found else None

    async def latest_session(self, vault: VaultId, agent_id: str | None) -> Session | None:
        """See :meth:`SessionStore.latest_session`."""
        found = await self._sessions(self._db.sql["latest_session"], {"vault": vault, "agent_id": agent_id})
        return found[0] if found else None

    async def sessions_with(
        self, vault: VaultId, fingerprints: Sequence[Fingerprint], limit: int
    ) -> list[tuple[Session, list[BranchEntry]]]:
        """See :meth:`SessionStore.sessions_with`."""
        newest = list(dict.fromkeys(reversed(fingerprints)))[:_PLACES_LIMIT]
        if not newest:
            return []
        values: dict[str, object] = {f"p{index}": value for index, value in enumerate(newest)}
        sql = self._db.sql.with_places("sessions_with", len(newest))
        found = {**values, "vault": vault, "limit": limit}
        return await self._db.read(lambda connection: self._with_branches(connection, sql, found))

    def _with_branches(
        self, connection: sqlite3.Connection, sql: str, values: dict[str, Any]
    ) -> list[tuple[Session, list[BranchEntry]]]:
        sessions = map(_session, connection.execute(sql, values).fetchall())
        return [(session, self._branch(connection, values["vault"], session.number)) for session in sessions]

    async def branch(self, vault: VaultId, session: SessionNumber) -> list[BranchEntry]:
        """See :meth:`SessionStore.branch`."""
        return await self._db.read(lambda connection: self._branch(connection, vault, session))

    def _branch(self, connection: sqlite3.Connection, vault: VaultId, session: SessionNumber) -> list[BranchEntry]:
        values = {"vault": vault, "session": session}
        return [BranchEntry(*row) for row in connection.execute(self._db.sql["branch"], values)]

    async def list_sessions(self, vault: VaultId, *, limit: int, before: SessionNumber | None = None) -> list[Session]:
        """See :meth:`SessionStore.list_sessions`."""
        values = {"vault": vault, "limit": limit, "before": _NO_NUMBER_ABOVE if before is None else before}
        return await self._sessions(self._db.sql["list_sessions"], values)

    async def _sessions(self, sql: str, values: dict[str, Any]) -> list[Session]:
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return list(map(_session, rows))


def _session(row: tuple[Any, ...]) -> Session:
    name, number, agent_id, started_at_us, active_at_us, messages = row
    return Session(name, number, agent_id, from_us(started_at_us), from_us(active_at_us), messages)
