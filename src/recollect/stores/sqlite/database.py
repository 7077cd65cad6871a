"""One database file: its writer, its readers, its queries, its clock."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from recollect.errors import StoreUnavailableError
from recollect.stores.sqlite.connection import connect
from recollect.stores.sqlite.readers import Readers
from recollect.stores.sqlite.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from recollect.stores.sqlite.queries import Queries

T = TypeVar("T")

_SCRUB_ATTEMPTS = 20
_SCRUB_PATIENCE_S = 0.05
"""How long work with a limit waits while a large file is written anew: not all of its limit, reply after reply."""

logger = logging.getLogger(__name__)


class Database:
    """What the parts of the SQLite store share. ``read`` and ``write`` cost one hop to a thread and back."""

    def __init__(
        self,
        path: Path,
        queries: Queries,
        *,
        clock: Callable[[], datetime],
        busy_timeout_ms: int,
        readers: int,
    ) -> None:
        """Start writer and readers on a file that has been migrated."""
        self.path = path
        self.sql = queries
        self.now = clock
        self._writer = Writer(partial(connect, path, busy_timeout_ms=busy_timeout_ms))
        self._readers = Readers(partial(connect, path, busy_timeout_ms=busy_timeout_ms, is_reader=True), readers)
        self._scrubbing = asyncio.Lock()
        self._scrubs_wanted = 0
        self._scrubs_done = 0
        self._scrub_began: float | None = None
        self._erasures = path.with_name(f"{path.name}-erasures")
        self.note_erasure()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a read transaction."""
        return await self._readers.submit(work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a write transaction of its own or of a group; return once it is on the disk."""
        return await self._writer.submit(work)

    async def write_within(
        self,
        timeout_s: float,
        work: Callable[[sqlite3.Connection], T],
        *,
        is_alone: bool = False,
        is_durable: bool = True,
    ) -> T:
        """Like :meth:`write`, but StoreUnavailableError where the writer does not get to it for that long.

        The work may be done all the same, at the last moment: it must bear repetition.
        """
        if self._scrub_began is not None and time.monotonic() - self._scrub_began > timeout_s:
            timeout_s = _SCRUB_PATIENCE_S
        return await self._writer.submit_within(timeout_s, work, is_alone=is_alone, is_durable=is_durable)

    async def write_again(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a write transaction that a power failure may undo: it would only be done again. The death of
        the process undoes nothing."""
        return await self._writer.submit(work, is_durable=False)

    async def write_alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on the writer's connection outside of any transaction."""
        return await self._writer.submit(work, is_alone=True)

    def write_lazily(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Let work ride along with a later write."""
        self._writer.submit_lazily(work)

    async def settle(self) -> None:
        """Wait until lazy work of this process is written."""
        if self._writer.has_lazy_work:
            await self._writer.submit(lambda _: None, is_durable=False)

    async def scrub(self) -> None:
        """Leave nothing of what was deleted in any file.

        ``secure_delete`` overwrites a deleted row where it stands, but not the copies that stay behind in the
        free space of a page when SQLite moves rows between pages: about one deletion in a hundred leaves such
        a copy. Overwriting the row before it is deleted does not help: the copies are older than the deletion.
        So the file is written anew (VACUUM), and the write-ahead log cut to nothing. While a large file is
        written, captures raise StoreUnavailableError and are spooled. Erasures that come together share the work.
        """
        self._scrubs_wanted += 1
        turn = self._scrubs_wanted
        async with self._scrubbing:
            if self._scrubs_done >= turn:
                return
            covered = self._scrubs_wanted
            self._scrub_began = time.monotonic()
            try:
                await self._scrub()
            finally:
                self._scrub_began = None
            self._scrubs_done = covered

    async def _scrub(self) -> None:
        """Other processes may read or write for a moment; StoreUnavailableError where they do for seconds."""
        for _ in range(_SCRUB_ATTEMPTS):
            try:
                if await self.write_alone(_rewrite):
                    return
            except StoreUnavailableError:
                logger.info("the database is busy; erasing goes on in a moment")
            await asyncio.sleep(0.1)
        message = (
            "The rows are erased, but the file could not be written anew, and traces of them may remain: end other"
            " processes that use the database, see that the disk has room for a copy of it, and erase again."
        )
        raise StoreUnavailableError(message)

    async def close(self) -> None:
        """Finish what is queued, and close every connection."""
        await self._writer.close()
        await self._readers.close()

    def note_erasure(self) -> None:
        """Tell every process that works on this file that vaults may be gone."""
        descriptor = os.open(self._erasures, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, b".")
        finally:
            os.close(descriptor)

    def erasures(self) -> int:
        """A number that changes when any process erases a vault (one ``stat``: about a microsecond)."""
        try:
            return self._erasures.stat().st_size
        except FileNotFoundError:
            return -1


def _rewrite(connection: sqlite3.Connection) -> bool:
    """Write the file anew and empty the WAL; False where a reader holds it."""
    connection.execute("PRAGMA temp_store = FILE")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")
    is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
