"""Connections to the database file, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from recollect.errors import StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES = 8192
"""Three short passages fill a page; the default of 4096 would hold one and waste the rest."""

_ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another process; end that process, or wait until it has finished",
    sqlite3.SQLITE_LOCKED: "is locked by another process; end that process, or wait until it has finished",
    sqlite3.SQLITE_FULL: "cannot grow because the disk is full; free some space",
    sqlite3.SQLITE_READONLY: "is not writable; give the user that runs Recollect write access to the data directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that the data directory exists and is accessible",
    sqlite3.SQLITE_IOERR: "cannot be read or written (I/O error); check the disk",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup, or save what `sqlite3 .recover` still reads",
    sqlite3.SQLITE_NOTADB: "is not an SQLite file; point the data directory elsewhere, or restore a backup",
    sqlite3.SQLITE_PERM: "is not accessible; give the user that runs Recollect access to the data directory",
}


def unavailable(error: sqlite3.Error) -> StoreUnavailableError:
    """The store's error for a database's: what is wrong, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    advice = _ADVICE.get(code, f"failed ({error}); see the log of the gateway")
    return StoreUnavailableError(f"The memory database {advice}.")


def connect(path: Path, *, busy_timeout_ms: int, is_reader: bool = False) -> sqlite3.Connection:
    """A connection for one thread. Transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        path, timeout=busy_timeout_ms / 1000, isolation_level=None, cached_statements=256, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    if is_reader:
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def create_file(path: Path) -> None:
    """Make directory and file where they are missing, readable by their owner only (the WAL inherits it)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
