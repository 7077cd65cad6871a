"""One HTTP exchange with an ASGI application, streamed chunk by chunk.

Everything here runs on the event loop of the application; :mod:`recollect.client.transport` brings it to others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recollect.errors import RecollectError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    AsgiApp = Callable[
        [
            Message,
            Callable[[], Awaitable[Message]],
            Callable[[Message], Awaitable[None]],
        ],
        Awaitable[None],
    ]

BYTES_AHEAD = 256 * 1024
"""How much of a reply may wait for its reader before the application has to wait, too."""


class ReplyBrokenError(RecollectError):
    """The application ended before its reply was complete, as where a connection breaks off."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and header fields of a reply."""

    status: int
    headers: list[tuple[bytes, bytes]]


class AsgiCall:
    """One request to an application: first :meth:`head`, then :meth:`next_chunk` until None, or :meth:`disconnect`."""

    def __init__(self, app: AsgiApp, scope: Message, body: bytes) -> None:
        """Take the application, an ``http`` scope and the complete body of the request."""
        self._app = app
        self._scope = scope
        self._body: bytes | None = body
        self._head: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        self._waiting = bytearray()
        self._has_news = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_over = asyncio.Event()
        self._is_complete = False
        self._task = asyncio.create_task(self._run())

    async def head(self) -> Head:
        """Wait for the head of the reply; ReplyBrokenError where there is none."""
        return await asyncio.shield(self._head)

    async def next_chunk(self) -> bytes | None:
        """What has arrived of the body, None at its end; ReplyBrokenError where it broke off."""
        await self._has_news.wait()
        chunk = bytes(self._waiting)
        self._waiting.clear()
        self._has_room.set()
        if not self._is_complete and not self._task.done():
            self._has_news.clear()
        if chunk:
            return chunk
        if not self._is_complete:
            message = "The gateway broke off in the middle of its reply."
            raise ReplyBrokenError(message)
        return None

    def disconnect(self) -> None:
        """Tell the application that the client is gone."""
        self._is_over.set()
        self._has_room.set()

    async def wait_finished(self) -> None:
        """Wait until the application is done with the exchange."""
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        finally:
            self._is_over.set()
            asyncio.get_running_loop().call_soon(self._has_news.set)  # once this task is done
            if not self._head.done():
                self._head.set_exception(ReplyBrokenError("The gateway ended without a reply."))
                self._head.exception()  # seen: nobody may be waiting any more

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._is_over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._is_over.is_set():
            return
        if message["type"] == "http.response.start":
            self._head.set_result(Head(message["status"], list(message.get("headers", ()))))
        elif message["type"] == "http.response.body":
            self._waiting += message.get("body", b"")
            self._is_complete = not message.get("more_body", False)
            if self._is_complete:
                self._is_over.set()
            self._has_news.set()
            if len(self._waiting) >= BYTES_AHEAD and not self._is_complete:
                self._has_room.clear()
                await self._has_room.wait()
