"""One database file: its writer, its readers, its queries, its clock."""

from __future__ import annotations

import asyncio
import os
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

_EMPTY_WAL_ATTEMPTS = 50


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
        self._erasures = path.with_name(f"{path.name}-erasures")
        self.note_erasure()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a read transaction."""
        return await self._readers.submit(work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a write transaction of its own or of a group; return once it is on the disk."""
        return await self._writer.submit(work)

    async def write_again(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a write transaction that a power failure may undo: it would only be done again."""
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

    async def empty_wal(self) -> None:
        """Bring every change into the main file and cut the WAL to nothing, so that it holds no erased text.

        Readers of other processes may hold it for a moment; StoreUnavailableError where they do for seconds.
        """
        for _ in range(_EMPTY_WAL_ATTEMPTS):
            is_busy, _, _ = await self.write_alone(
                lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            )
            if not is_busy:
                return
            await asyncio.sleep(0.1)
        message = (
            "The rows are erased, but another process keeps the write-ahead log open, which still holds them."
            " End that process and erase again."
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
