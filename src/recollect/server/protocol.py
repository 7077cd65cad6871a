"""uvicorn's HTTP/1.1 protocol with three gaps closed: HTTP/1.0 clients, endless heads, and errors in our own shape.

It also spares each exchange a system call (a reply's head travels with its first bytes), a task (who listens for the
client's departure is called, and need not wait for it) and waiting for a body that is there already.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from recollect.errors import InvalidRequestError
from recollect.wire.error_envelope import error_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application, ASGISendEvent

    from recollect.exchange.head import RequestHead
    from recollect.server.serving import Serving

MAX_HEAD_BYTES = 256 * 1024
CACHED_NAMES = 2048
_HTTP_1_0 = "1.0"
_LINE_END = b"\r\n"
_LENGTH, _CODING, _CONNECTION = b"content-length: ", b"transfer-encoding: ", b"connection: "
_WITHOUT_BODY = frozenset({204, 304})


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


class GatewayCycle(RequestResponseCycle):
    """A reply to an HTTP/1.1 client: what uvicorn sends, in fewer steps. Its head is kept until there is something to
    send with it; an empty piece of a body sends it on its own."""

    _head = b""

    async def send(self, message: ASGISendEvent) -> None:
        """Send as uvicorn does. RuntimeError for what is no HTTP, and for messages out of their order."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.body" and self.response_started and not self.response_complete:
            self._pass(message.get("body", b""), is_last=not message.get("more_body"))
        elif message["type"] == "http.response.start" and not self.response_started:
            self._begin(message["status"], [*self.default_headers, *message.get("headers", ())])
        else:
            text = f"The ASGI message {message['type']!r} is out of its order."
            raise RuntimeError(text)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        _check_values(b"".join([value for _, value in headers]))
        self.response_started = True
        self.waiting_for_100_continue = False
        content = [STATUS_LINE[status]]
        says_close = False
        for name, value in headers:
            opening, is_framing = _opening(name)
            if is_framing:
                says_close = self._note_framing(opening, value) or says_close
            content += (opening, value, _LINE_END)
        if says_close:
            self.keep_alive = False
        elif not self.keep_alive:
            content.append(b"connection: close\r\n")
        if self.chunked_encoding is None and status not in _WITHOUT_BODY:
            self.chunked_encoding = True
            content.append(b"transfer-encoding: chunked\r\n")
        content.append(_LINE_END)
        self._head = b"".join(content)

    def _note_framing(self, opening: bytes, value: bytes) -> bool:
        """How the reply ends; True where its connection ends with it."""
        if opening == _CONNECTION:
            return b"close" in [token.strip() for token in value.lower().split(b",")]
        if opening == _LENGTH and self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        elif opening == _CODING and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        return False

    def _pass(self, body: bytes, *, is_last: bool) -> None:
        if self.chunked_encoding:
            data = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if is_last:
                data += b"0\r\n\r\n"
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (is_last and self.expected_content_length):
                text = "The body of a reply has another length than its Content-Length."
                raise RuntimeError(text)
            data = body
        if self._head:
            data, self._head = self._head + data, b""
        if data:
            self.transport.write(data)
        if is_last:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()


@lru_cache(maxsize=CACHED_NAMES)
def _opening(name: bytes) -> tuple[bytes, bool]:
    """How a header's line begins, and whether the field says where the reply or the connection ends."""
    if HEADER_RE.search(name):
        text = "A header of a reply has no name that HTTP knows."
        raise RuntimeError(text)
    opening = name.lower() + b": "
    return opening, opening in {_LENGTH, _CODING, _CONNECTION}


def _check_values(values: bytes) -> None:
    """RuntimeError where a header's value would end its line."""
    if not values.decode("latin-1").isprintable() and HEADER_VALUE_RE.search(values):
        text = "A header of a reply has a value that HTTP does not allow."
        raise RuntimeError(text)


class GatewayProtocol(HttpToolsProtocol):
    """One client connection. It stands in the scope as ``recollect.connection``; ``on_departure`` is called once, when
    the client closes it."""

    on_departure: Callable[[], None] | None = None
    last_head: tuple[Serving, RequestHead] | None = None
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

    def take_body(self) -> bytes | None:
        """The body of the request that is being served, where all of it has arrived; else it is to be received."""
        cycle = self.cycle
        if cycle.more_body or cycle.waiting_for_100_continue or self.pipeline:
            return None
        self.flow.resume_reading()
        cycle.message_event.clear()
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

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
            cycle.__class__ = GatewayCycle
        cycle.scope["recollect.connection"] = self  # type: ignore[typeddict-unknown-key]
        super()._start_asgi_task(cycle, app)
