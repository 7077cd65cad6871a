"""The way to the provider for one WebSocket client: a WebSocket, and where the provider has none, plain HTTP.

The pipeline knows nothing of it. It sends a request and reads an event stream; here the request becomes a message, and
the messages that answer it become the events of that stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

from recollect.errors import UpstreamBrokenError
from recollect.wire.json_document import JsonDocument, cut_members

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.providers.base import (
        Headers,
        SocketUpstream,
        Upstream,
        UpstreamReply,
        UpstreamRequest,
        UpstreamSocket,
    )

STREAM_MEMBER = b'"stream":true,'
"""Put at the head of each frame, so that whatever answers it streams; a provider's WebSocket knows no such field."""
TERMINAL_TYPES = frozenset({"response.completed", "response.failed", "response.incomplete", "error"})
NO_SOCKET_STATUSES = frozenset({400, 404, 405, 426, 501})
"""How providers say that they speak HTTP only."""
FRAME_FIELDS = frozenset({"type", "generate"})
_EVENT_STREAM: Headers = ((b"content-type", b"text/event-stream"),)


class SocketWay:
    """An ``Upstream`` that keeps one WebSocket to the provider, because the provider keeps state by connection."""

    def __init__(self, sockets: SocketUpstream, plain: Upstream) -> None:
        """Take what opens WebSockets, and the ordinary way."""
        self._sockets = sockets
        self._plain = plain
        self._socket: UpstreamSocket | None = None
        self._place: tuple[str, Headers] | None = None
        self._is_plain = False

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """Send one frame; the reply is an event stream. A refusal of the provider is a reply as it came."""
        body = request.body if isinstance(request.body, bytes) else b"{}"
        if self._is_plain:
            return await self._plain.send(_as_http(request, body))
        message = body.replace(STREAM_MEMBER, b"", 1).decode()
        if self._socket is not None and self._place == (request.url, request.headers):
            try:
                await self._socket.send(message)
            except UpstreamBrokenError:
                await self.close()  # it was closed while nobody spoke: a new one is as good
            else:
                return SocketReply(self, self._socket)
        await self.close()
        opened = await self._sockets.connect_websocket(_as_handshake(request))
        if hasattr(opened, "status"):
            return await self._refused(cast("UpstreamReply", opened), request, body)
        self._socket, self._place = opened, (request.url, request.headers)
        await opened.send(message)
        return SocketReply(self, opened)

    async def close(self) -> None:
        """Close the WebSocket, if there is one."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _refused(self, reply: UpstreamReply, request: UpstreamRequest, body: bytes) -> UpstreamReply:
        if reply.status not in NO_SOCKET_STATUSES:
            return reply
        await reply.close()
        self._is_plain = True
        return await self._plain.send(_as_http(request, body))


class SocketReply:
    """The messages that answer one frame, as an event stream."""

    def __init__(self, way: SocketWay, socket: UpstreamSocket) -> None:
        """Take where the messages come from."""
        self._way = way
        self._socket = socket
        self._is_complete = False

    @property
    def status(self) -> int:
        """The frame was taken: what goes wrong is told by an event."""
        return 200

    @property
    def headers(self) -> Headers:
        """Those of an event stream."""
        return _EVENT_STREAM

    async def chunks(self) -> AsyncIterator[bytes]:
        """One event a message. UpstreamBrokenError where the provider closes before the last one."""
        async for message in self._socket.messages():
            data = message.encode() if isinstance(message, str) else message
            self._is_complete = is_terminal(data)
            yield b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"
            if self._is_complete:
                return
        text = "The provider closed the WebSocket in the middle of its reply."
        raise UpstreamBrokenError(text)

    async def close(self) -> None:
        """Where the reply was not read to its end, closing the WebSocket is what cancels it."""
        if not self._is_complete:
            await self._way.close()


def is_terminal(message: bytes) -> bool:
    """The message ends the answer to a frame."""
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        return False
    return isinstance(event, dict) and event.get("type") in TERMINAL_TYPES


def _as_handshake(request: UpstreamRequest) -> UpstreamRequest:
    return request._replace(method="GET", body=None)


def _as_http(request: UpstreamRequest, body: bytes) -> UpstreamRequest:
    """The frame as the body of a request, without what belongs to frames alone."""
    document = JsonDocument.parse(body)
    kept = tuple(
        (name, value)
        for name, value in request.headers
        if not name.startswith(b"sec-websocket-") and name not in {b"accept-encoding", b"content-type"}
    )
    return request._replace(
        method="POST",
        body=document.splice(cut_members(document.members, FRAME_FIELDS)),
        headers=(*kept, (b"content-type", b"application/json"), (b"accept-encoding", b"identity")),
    )
