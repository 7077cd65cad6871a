"""A WebSocket to a provider, on aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from multidict import CIMultiDict

from recollect.errors import UpstreamBrokenError
from recollect.providers.in_memory_reply import InMemoryReply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from yarl import URL

    from recollect.providers.base import Headers, UpstreamReply, UpstreamSocket

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
CLOSE_S = 5.0
SWITCHED = 101
ABNORMAL_CODE = 1006
"""RFC 6455 7.4.1: what a peer reports for itself, and may not send."""
_HANDSHAKE = frozenset({b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions", b"content-length"})
_SUBPROTOCOLS = b"sec-websocket-protocol"


class RefusedError(aiohttp.ClientError):
    """The provider answered the handshake with a reply of its own."""

    def __init__(self, reply: InMemoryReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


async def refuse_unless_switched(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware for sessions of WebSockets: every answer but 101 is kept whole, so no redirect is followed."""
    response = await handler(request)
    if response.status == SWITCHED:
        return response
    body = await response.read()
    headers = tuple((name.lower(), value) for name, value in response.raw_headers)
    framing = {b"transfer-encoding", b"content-length", b"connection", b"keep-alive", b"upgrade"}
    kept = tuple(field for field in headers if field[0] not in framing)
    raise RefusedError(InMemoryReply(response.status, (*kept, (b"content-length", str(len(body)).encode())), (body,)))


async def open_socket(session: aiohttp.ClientSession, url: URL, headers: Headers) -> UpstreamSocket | UpstreamReply:
    """Shake hands; ``session`` has the middleware above. aiohttp's errors are the caller's to translate."""
    offered = [name.strip() for field, value in headers if field == _SUBPROTOCOLS for name in value.decode().split(",")]
    kept = tuple(field for field in headers if field[0] not in _HANDSHAKE and field[0] != _SUBPROTOCOLS)
    try:
        socket = await session.ws_connect(
            url,
            headers=header_texts(kept),
            protocols=offered,
            max_msg_size=MAX_MESSAGE_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
        )
    except RefusedError as refusal:
        return refusal.reply
    return _HttpSocket(socket, url)


def header_texts(headers: Headers) -> CIMultiDict[str]:
    """Headers as aiohttp takes them: it writes values in UTF-8, so they are read so, to go out as they came."""
    return CIMultiDict[str]([(name.decode("latin-1"), _text(value)) for name, value in headers])


class _HttpSocket:
    """An open WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, url: URL) -> None:
        self._socket = socket
        self._place = url.raw_authority

    @property
    def subprotocol(self) -> str | None:
        return self._socket.protocol

    @property
    def close_code(self) -> int | None:
        code = self._socket.close_code
        return None if code == ABNORMAL_CODE else code

    async def send(self, message: str | bytes) -> None:
        try:
            if isinstance(message, str):
                await self._socket.send_str(message)
            else:
                await self._socket.send_bytes(message)
        except (aiohttp.ClientError, ConnectionError) as error:
            text = f"{self._place} has closed the WebSocket."
            raise UpstreamBrokenError(text) from error

    async def messages(self) -> AsyncIterator[str | bytes]:
        async for message in self._socket:
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                yield message.data

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._socket.close(code=code, message=reason.encode()[:123])


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
