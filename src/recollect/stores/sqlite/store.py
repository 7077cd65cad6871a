"""The SQLite store, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.stores.base import Store
from recollect.stores.sqlite.credentials import SqliteCredentials
from recollect.stores.sqlite.database import Database
from recollect.stores.sqlite.index import SqliteIndex
from recollect.stores.sqlite.jobs import SqliteJobs
from recollect.stores.sqlite.keys import SqliteKeys
from recollect.stores.sqlite.knowledge import SqliteKnowledge
from recollect.stores.sqlite.messages import CAPTURE_TIMEOUT_S, SqliteMessages
from recollect.stores.sqlite.migrations import migrate
from recollect.stores.sqlite.queries import Queries
from recollect.stores.sqlite.records import SqliteInjections, SqliteTraces
from recollect.stores.sqlite.requests import SqliteRequests
from recollect.stores.sqlite.sessions import SqliteSessions
from recollect.stores.sqlite.usage import SqliteUsage
from recollect.stores.sqlite.vaults import SqliteVaults
from recollect.stores.times import utc_now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path


class SqliteControl:
    """Implements :class:`recollect.stores.base.StoreControl`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def check(self) -> None:
        """See :meth:`StoreControl.check`."""
        await self._db.write_within(CAPTURE_TIMEOUT_S, _take_write_lock, is_alone=True)

    async def close(self) -> None:
        """See :meth:`StoreControl.close`."""
        await self._db.close()


def _take_write_lock(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def open_sqlite_store(
    path: Path, *, clock: Callable[[], datetime] = utc_now, busy_timeout_ms: int = 800, readers: int = 4
) -> Store:
    """Open the database file, created or migrated where needed; any number of processes may do so.

    Blocks (before the event loop starts, as a rule). ``clock`` dates vaults and jobs. A file that another process
    keeps locked for ``busy_timeout_ms`` makes the call that met it fail with StoreUnavailableError.
    """
    migrate(path)
    database = Database(path, Queries(), clock=clock, busy_timeout_ms=busy_timeout_ms, readers=readers)
    return Store(
        keys=SqliteKeys(database),
        credentials=SqliteCredentials(database),
        vaults=SqliteVaults(database),
        sessions=SqliteSessions(database),
        messages=SqliteMessages(database),
        index=SqliteIndex(database),
        knowledge=SqliteKnowledge(database),
        jobs=SqliteJobs(database),
        injections=SqliteInjections(database),
        traces=SqliteTraces(database),
        requests=SqliteRequests(database),
        usage=SqliteUsage(database),
        control=SqliteControl(database),
    )
