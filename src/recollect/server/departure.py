"""A client may leave at any time: what serves it must then stop at once, before the first byte as in mid-stream."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.exchange.head import RequestHead
    from recollect.server.ports import Receive
    from recollect.server.reply import AsgiReply
    from recollect.server.serving import Serving


class ClientGoneError(Exception):
    """The client closed the connection before its request, or the reply to it, was complete."""


class Connection(Protocol):
    """A client's connection that can tell when it is closed, and remembers for its requests."""

    on_departure: Callable[[], None] | None
    last_head: tuple[Serving, RequestHead] | None
    """That of its last request, and what that was served by."""

    def take_body(self) -> bytes | None:
        """The body of the request that is being served, where all of it has arrived; else it is to be received."""


class Departure:
    """Cancels the task that made it when the client closes its connection before the reply has ended."""

    __slots__ = ("_connection", "_is_cancelling", "_receive", "_task", "_watcher", "reason", "reply")

    def __init__(self, reply: AsgiReply, receive: Receive, connection: Connection | None = None) -> None:
        """Take what to listen to: the connection where the server offers it, else ASGI's own word. Nothing runs until
        :meth:`start`."""
        task = asyncio.current_task()
        if task is None:
            message = "A request must be served by a task."
            raise RuntimeError(message)
        self._task = task
        self.reply = reply
        self._receive = receive
        self._connection = connection
        self._watcher: asyncio.Task[None] | None = None
        self._is_cancelling = False
        self.reason: Exception | None = None

    def start(self) -> None:
        """Begin to listen; the request must be complete, because its bytes come the same way."""
        if self._connection is not None:
            self._connection.on_departure = self._leave
        else:
            self._watcher = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """End listening."""
        if self._connection is not None:
            self._connection.on_departure = None
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None  # the task holds this object: nothing is left to the garbage collector

    def interrupt(self, reason: Exception) -> None:
        """End the exchange for this reason. Within its own task, the caller raises the reason itself."""
        self.reason = reason
        if asyncio.current_task() is not self._task:
            self._is_cancelling = True
            self._task.cancel()

    async def settle(self, reason: Exception) -> None:
        """Behind the handler, however it ended: raise the reason why it was interrupted."""
        if self._is_cancelling:
            self._task.uncancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # takes a cancellation that is still on its way, where the handler was faster
        raise reason

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if not self.reply.is_ended:
            self.interrupt(ClientGoneError())
