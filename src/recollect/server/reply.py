"""The way back to one client over ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from recollect.domain.requests import RequestRecord
    from recollect.providers.base import Headers
    from recollect.server.ports import Message, Send

SWITCHED = 101
FAILED_CLOSE = 1011
"""RFC 6455 7.4.1: an unexpected condition on the server's side."""
_EVENT_STREAM = b"text/event-stream"
_UNBUFFERED = (b"x-accel-buffering", b"no")


class AsgiReply:
    """A ``ReplySink``. ``extra`` goes onto every head; for a browser (``for_browser``) the provider's own CORS headers
    do not count: who may read this gateway's replies is its operator's to say.
    """

    start_type, body_type = "http.response.start", "http.response.body"
    """What ASGI calls the messages of this kind of reply."""
    __slots__ = (
        "_extra",
        "_for_browser",
        "_send",
        "bytes_sent",
        "is_aborted",
        "is_ended",
        "memory_status",
        "record",
        "status",
    )

    def __init__(self, send: Send, *, extra: Headers = (), for_browser: bool = False) -> None:
        """Take the ASGI callable of this request."""
        self._send = send
        self._extra = extra
        self._for_browser = for_browser
        self.status = 0
        self.bytes_sent = 0
        self.is_ended = False
        self.is_aborted = False
        self.memory_status = b""
        self.record: RequestRecord | None = None

    def note(self, record: RequestRecord) -> None:
        """Take what the exchange came to."""
        self.record = record

    @property
    def request_id(self) -> str | None:
        """The exchange's, once it is over."""
        return self.record.id if self.record else None

    @property
    def has_started(self) -> bool:
        """The head was sent: an error can no longer have a status of its own."""
        return self.status != 0

    async def start_bare(self, status: int, headers: Headers) -> None:
        """Send a head that is complete as it is."""
        self.status = status
        await self._send({"type": self.start_type, "status": status, "headers": list(headers)})

    def start(self, status: int, headers: Headers) -> Awaitable[None]:
        """Send the head."""
        self.status = status
        fields = [*headers, *self._extra]
        if self._for_browser:
            fields = [field for field in headers if not field[0].startswith(b"access-control-")]
            fields += self._extra
        for name, value in headers:
            if name == b"content-type":
                if value.startswith(_EVENT_STREAM):
                    fields.append(_UNBUFFERED)
            elif name == b"x-memory-status":
                self.memory_status = value
        return self._send({"type": self.start_type, "status": status, "headers": fields})

    def send(self, chunk: bytes) -> Awaitable[None]:
        """Send some of the body."""
        self.bytes_sent += len(chunk)
        return self._send({"type": self.body_type, "body": chunk, "more_body": True})

    def end(self, last: bytes = b"") -> Awaitable[None]:
        """The body is complete with these bytes."""
        self.is_ended = True
        self.bytes_sent += len(last)
        return self._send({"type": self.body_type, "body": last, "more_body": False})

    async def relay(self, message: Message, *, request_id: str) -> None:
        """Pass on what an inner ASGI application sends, adding the request's id where its head has none."""
        if message["type"] != "http.response.start":
            body = message.get("body")
            self.bytes_sent += len(body) if isinstance(body, bytes) else 0
            self.is_ended = self.is_ended or not message.get("more_body")
            await self._send(message)
            return
        headers: Headers = tuple(message.get("headers") or ())
        if not any(name == b"x-memory-request-id" for name, _ in headers):
            headers = (*headers, (b"x-memory-request-id", request_id.encode()))
        await self.start(message["status"], headers)

    async def abort(self) -> None:
        """Leave the body incomplete: the server closes a connection whose application returned in the middle."""
        self.is_aborted = True
        await self._send({"type": self.body_type, "body": b"", "more_body": True})  # what was sent must have gone out


class SocketReply(AsgiReply):
    """The answer to a WebSocket's handshake: a refusal is an HTTP reply, as ever; or the connection is accepted."""

    start_type, body_type = "websocket.http.response.start", "websocket.http.response.body"
    __slots__ = ()

    async def accept(self, request_id: str) -> None:
        """Switch protocols."""
        self.status = SWITCHED
        headers = [(b"x-memory-request-id", request_id.encode())]
        await self._send({"type": "websocket.accept", "subprotocol": None, "headers": headers})

    async def pass_on(self, message: Message) -> None:
        """Send what the open connection says."""
        self.bytes_sent += len(message.get("text", ""))
        await self._send(message)

    async def abort(self) -> None:
        """Close: something broke that is not the client's fault."""
        self.is_aborted = True
        await self._send({"type": "websocket.close", "code": FAILED_CLOSE, "reason": "The gateway failed."})
