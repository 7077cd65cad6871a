"""The one writer: a thread that commits what is queued in groups."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from recollect.errors import RecollectError, StoreUnavailableError, UnprocessableError
from recollect.stores.sqlite.connection import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

GROUP_LIMIT = 128
LAZY_DELAY_S = 0.5
LAZY_LIMIT = 2000


@dataclass(slots=True)
class _Task:
    """One piece of work, and who waits for it (nobody: lazy work).

    ``is_alone``: outside of any transaction. ``is_durable`` is false where a crash may undo it: it would be done again.
    """

    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop | None = None
    future: asyncio.Future[Any] | None = None
    is_alone: bool = False
    is_durable: bool = True
    has_begun: bool = False
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs closures on its own connection, several to a transaction, each in a savepoint of its own.

    A future resolves only after the COMMIT that holds its work; a closure that fails is rolled back alone.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Start the thread; ``connect`` is called in it."""
        self._connect = connect
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._lazy: deque[_Task] = deque(maxlen=LAZY_LIMIT)
        self._is_writing_lazy_work = False
        self._is_closed = False
        self._thread = Thread(target=self._run, name="recollect-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[sqlite3.Connection], T], *, is_alone: bool = False, is_durable: bool = True
    ) -> asyncio.Future[T]:
        """Queue work; the future holds its result once it is committed, and on the disk where it is durable."""
        return self._queue_task(work, is_alone=is_alone, is_durable=is_durable)[1]

    async def submit_within(
        self,
        timeout_s: float,
        work: Callable[[sqlite3.Connection], T],
        *,
        is_alone: bool = False,
        is_durable: bool = True,
    ) -> T:
        """Like :meth:`submit`, but StoreUnavailableError where the work has not begun by then; it is dropped."""
        task, future = self._queue_task(work, is_alone=is_alone, is_durable=is_durable)
        await asyncio.wait([future], timeout=timeout_s)
        if not future.done() and not task.has_begun:
            future.cancel()
            message = "The memory database is busy with other work; try again in a moment."
            raise StoreUnavailableError(message)
        return await future

    def _queue_task(
        self, work: Callable[[sqlite3.Connection], T], *, is_alone: bool, is_durable: bool
    ) -> tuple[_Task, asyncio.Future[T]]:
        if self._is_closed:
            message = "The memory store is closed."
            raise StoreUnavailableError(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        task = _Task(work, loop, future, is_alone, is_durable)
        self._queue.put(task)
        return task, future

    def submit_lazily(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Let work ride along with the next group, or go by itself after half a second."""
        if not self._lazy:
            asyncio.get_running_loop().call_later(LAZY_DELAY_S, self._flush_later)
        self._lazy.append(_Task(work, is_durable=False))

    @property
    def has_lazy_work(self) -> bool:
        """Something was submitted lazily and may not be committed yet."""
        return bool(self._lazy) or self._is_writing_lazy_work

    async def close(self) -> None:
        """Commit what is queued, and end the thread."""
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _flush_later(self) -> None:
        if self._lazy and not self._is_closed:
            self._queue.put(_Task(_nothing, is_durable=False))

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        is_open = True
        while is_open:
            group, is_open = self._next_group()
            try:
                connection = connection or self._connect()
                _run_group(connection, group)
            except sqlite3.Error as error:
                _blame(group, unavailable(error))
            self._is_writing_lazy_work = False
            _resolve(group)
        if connection is not None:
            connection.close()

    def _next_group(self) -> tuple[list[_Task], bool]:
        group: list[_Task] = []
        is_open = True
        task = self._queue.get()
        while task is not None:
            group.append(task)
            if task.is_alone or len(group) >= GROUP_LIMIT:
                break
            try:
                task = self._queue.get_nowait()
            except Empty:
                break
        else:
            is_open = False
        self._is_writing_lazy_work = bool(self._lazy)
        waiting = len(self._lazy)
        lazy = [self._lazy.popleft() for _ in range(min(waiting, GROUP_LIMIT) if is_open else waiting)]
        return lazy + group, is_open


def _nothing(_: sqlite3.Connection) -> None:
    """The work of a task that only wakes the writer."""


def _run_group(connection: sqlite3.Connection, group: list[_Task]) -> None:
    """Run the group in one transaction; work that must stand alone follows behind it."""
    together = [task for task in group if not task.is_alone]
    if together:
        # In WAL mode a commit at NORMAL is not synced by itself; the next one at FULL syncs it, too.
        is_durable = any(task.is_durable for task in together)
        connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for task in together:
                _run_in_savepoint(connection, task)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    for task in group:
        if task.is_alone:
            _attempt(connection, task)


def _run_in_savepoint(connection: sqlite3.Connection, task: _Task) -> None:
    if task.future is not None and task.future.cancelled():
        return
    connection.execute("SAVEPOINT task")
    _attempt(connection, task)
    if task.error is not None:
        if not connection.in_transaction:
            # SQLite gave the whole transaction up (disk full, I/O error): nothing of the group is stored.
            raise sqlite3.OperationalError(str(task.error))
        connection.execute("ROLLBACK TO task")
    connection.execute("RELEASE task")


def _attempt(connection: sqlite3.Connection, task: _Task) -> None:
    task.has_begun = True
    try:
        task.result = task.work(connection)
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError) as error:
        task.error = UnprocessableError(f"The memory database does not take this ({error}).")
    except sqlite3.Error as error:
        task.error = unavailable(error)
    except (RecollectError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        # A defect in one piece of work must neither end the thread nor harm the rest of the group.
        task.error = error


def _blame(group: list[_Task], error: StoreUnavailableError) -> None:
    for task in group:
        task.error = task.error or error


def _resolve(group: list[_Task]) -> None:
    """Wake each waiting event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Task]] = {}
    for task in group:
        if task.loop is not None:
            by_loop.setdefault(task.loop, []).append(task)
    for loop, tasks in by_loop.items():
        try:
            loop.call_soon_threadsafe(_deliver, tasks)
        except RuntimeError:
            # The loop has been closed: nobody is left who waits.
            continue


def _deliver(tasks: list[_Task]) -> None:
    for task in tasks:
        if task.future is None or task.future.done():
            continue
        if task.error is not None:
            task.future.set_exception(task.error)
        else:
            task.future.set_result(task.result)
