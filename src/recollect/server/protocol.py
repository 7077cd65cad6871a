"""uvicorn's HTTP/1.1 protocol with three gaps closed: HTTP/1.0 clients, endless heads, and errors in our own shape.

It also spares each exchange a system call (a reply's head travels with its first bytes) and a task (who listens for
the client's departure is called, and need not wait for it).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from recollect.errors import InvalidRequestError
from recollect.wire.error_envelope import error_body

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application, ASGISendEvent

MAX_HEAD_BYTES = 256 * 1024
_HTTP_1_0 = "1.0"
_CONTINUE = b"HTTP/1.1 100 "


class CloseDelimitedCycle(RequestResponseCycle):
    """A reply to an HTTP/1.0 client: it knows no chunks, so a body of unknown length ends with the connection."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send as uvicorn does, without its chunked coding."""
        if message["type"] == "http.response.start":
            if self.scope["method"] == "HEAD" or any(name == b"content-length" for name, _ in message["headers"]):
                await super().send(message)
                return
            scope = self.scope
            self.scope = cast("Any", {**scope, "method": "HEAD"})  # for a HEAD, uvicorn adds no coding of its own
            await super().send(message)
            self.scope = scope
            self.chunked_encoding = False
            self.expected_content_length = sys.maxsize
            return
        if message["type"] == "http.response.body" and not message.get("more_body") and self._is_unbounded():
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

    def _is_unbounded(self) -> bool:
        return self.expected_content_length > sys.maxsize // 2


class HeadHolder:
    """A transport that keeps a reply's head until there is something to send with it."""

    __slots__ = ("_head", "_is_released", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        """Take the connection's own transport."""
        self._transport = transport
        self._head = b""
        self._is_released = False

    def write(self, data: bytes) -> None:
        """Send; the first call is the head's, but for the word that the body may come."""
        if self._is_released or data.startswith(_CONTINUE):
            self._transport.write(data)
        elif self._head:
            self._is_released = True
            self._transport.write(self._head + data)
        else:
            self._head = data

    def close(self) -> None:
        """Close, after a head that had nothing behind it."""
        if self._head and not self._is_released:
            self._is_released = True
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        """The connection is being closed."""
        return self._transport.is_closing()


class GatewayProtocol(HttpToolsProtocol):
    """One client connection. It stands in the scope as ``recollect.connection``; ``on_departure`` is called once, when
    the client closes it."""

    on_departure: Callable[[], None] | None = None
    _is_in_head = True
    _head_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or its connection broke."""
        super().connection_lost(exc)
        listener, self.on_departure = self.on_departure, None
        if listener is not None:
            listener()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a head that does not end within its bound ends the connection."""
        was_in_head = self._is_in_head
        super().data_received(data)
        if was_in_head and self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse(b"431 Request Header Fields Too Large", "The request's head is too large.")

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._is_in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(b"400 Bad Request", msg)

    def _refuse(self, status: bytes, text: str) -> None:
        body = error_body(InvalidRequestError(text, code="invalid_http"))
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d" % len(body)
        self.transport.write(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n\r\n" + body)
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self.scope["http_version"] == _HTTP_1_0:
            cycle.__class__ = CloseDelimitedCycle
        elif self.scope["method"] != "HEAD":
            cycle.transport = cast("asyncio.Transport", HeadHolder(self.transport))
        cast("dict[str, object]", cycle.scope)["recollect.connection"] = self
        super()._start_asgi_task(cycle, app)
