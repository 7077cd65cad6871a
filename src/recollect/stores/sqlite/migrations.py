"""Numbered, forward-only migrations; ``PRAGMA user_version`` is the number of the last one applied."""

from __future__ import annotations

import sqlite3
import time
from importlib.resources import files
from typing import TYPE_CHECKING

from recollect.errors import SettingsError
from recollect.stores.sqlite.connection import PAGE_BYTES, connect, create_file, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK_WAIT_S = 15.0


def load_migrations() -> list[str]:
    """The scripts in order; the first one has number 1."""
    folder = files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def migrate(path: Path, *, up_to: int | None = None) -> int:
    """Create the file or bring it up to date (or to ``up_to``); the version it has afterwards.

    Several processes may do this at once: each migration runs in one transaction under the write lock.
    A file that a newer Recollect wrote is refused with a SettingsError.
    """
    scripts = load_migrations()[:up_to]
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            create_file(path)
            return _migrate(path, scripts)
        except sqlite3.OperationalError as error:
            # Switching to WAL does not wait for other processes: SQLite answers "locked" at once.
            is_locked = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not is_locked or time.monotonic() > deadline:
                raise unavailable(error) from error
            time.sleep(0.05)
        except sqlite3.DatabaseError as error:
            raise unavailable(error) from error


def _migrate(path: Path, scripts: list[str]) -> int:
    connection = connect(path, busy_timeout_ms=1000)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(load_migrations()):
            message = (
                f"data: {path} was written by a newer Recollect (schema {version}, this one knows"
                f" {len(scripts)}). Upgrade Recollect, or point `data` at another directory."
            )
            raise SettingsError(message)
        for number, script in enumerate(scripts[version:], start=version + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
        return max(version, len(scripts))
    finally:
        connection.close()


def _statements(script: str) -> Iterator[str]:
    """One statement after another (``executescript`` would commit in between)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
