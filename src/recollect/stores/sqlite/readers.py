"""A few threads that read, each on its own connection."""

from __future__ import annotations

import asyncio
import sqlite3
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from recollect.errors import StoreUnavailableError
from recollect.stores.sqlite.connection import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Readers:
    """Runs closures in a read transaction, so that each sees one state of the database."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], threads: int) -> None:
        """Start the threads; ``connect`` is called in each."""
        self._connect = connect
        self._queue: SimpleQueue[
            tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[sqlite3.Connection], Any]] | None
        ] = SimpleQueue()
        self._is_closed = False
        self._threads = [
            Thread(target=self._run, name=f"recollect-reader-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue work; the future holds its result."""
        if self._is_closed:
            message = "The memory store is closed."
            raise StoreUnavailableError(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put((loop, future, work))
        return future

    async def close(self) -> None:
        """Finish what is queued, and end the threads."""
        if not self._is_closed:
            self._is_closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (task := self._queue.get()) is not None:
            loop, future, work = task
            result: Any = None
            error: Exception | None = None
            try:
                connection = connection or self._connect()
                result = _read(connection, work)
            except sqlite3.Error as problem:
                error = unavailable(problem)
            except (ValueError, TypeError, LookupError, ArithmeticError) as problem:
                # A defect in one piece of work must not end the thread.
                error = problem
            try:
                loop.call_soon_threadsafe(_deliver, future, result, error)
            except RuntimeError:
                # The loop has been closed: nobody is left who waits.
                continue
        if connection is not None:
            connection.close()


def _read(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _deliver(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
