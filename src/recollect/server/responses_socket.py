"""The WebSocket mode of ``/responses``: each ``response.create`` frame is one exchange, with memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from recollect.errors import ApiError, InvalidRequestError, PayloadTooLargeError, UpstreamBrokenError
from recollect.exchange.ports import IncomingRequest
from recollect.server.socket_way import STREAM_MEMBER, SocketWay
from recollect.wire.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.domain.requests import RequestRecord
    from recollect.providers.base import Headers
    from recollect.server.ports import Gateway, Receive, Send

MAX_WAITING_FRAMES = 16
TOO_MUCH_CLOSE = 1008
CREATE = "response.create"
FIRST_ERROR_STATUS = 400
_DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Handshake:
    """What all frames of a connection share."""

    path: str
    query: str
    headers: Headers
    forward_target: str | None
    is_local: bool
    on_end: Callable[[RequestRecord], None] | None = None

    def request(self, frame: bytes) -> IncomingRequest:
        """The exchange that a frame asks for."""
        place = frame.index(b"{") + 1
        return IncomingRequest(
            method="POST",
            path=self.path,
            query=self.query,
            headers=self.headers,
            body=frame[:place] + STREAM_MEMBER + frame[place:],
            forward_target=self.forward_target,
            client_is_loopback=self.is_local,
            on_end=self.on_end,
        )


class ResponsesSocket:
    """One client's WebSocket, accepted by its owner. Frames are answered one after the other, as OpenAI does."""

    def __init__(self, gateway: Gateway, handshake: Handshake, send: Send, max_frame_bytes: int) -> None:
        """Take what answers, and the way back."""
        self._way = SocketWay(gateway.upstream, gateway.upstream)
        self._pipeline = gateway.pipeline.over(self._way)
        self._handshake = handshake
        self._send = send
        self._max_frame_bytes = max_frame_bytes
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING_FRAMES)

    async def serve(self, receive: Receive) -> None:
        """Answer frames until the client leaves: what runs then is cancelled, and captured as far as it came."""
        try:
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(self._answer_all())
                await self._listen(receive)
                answering.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            await self._way.close()

    async def _listen(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            frame = message.get("bytes") or (message.get("text") or "").encode()
            try:
                self._frames.put_nowait(frame)
            except asyncio.QueueFull:
                reason = "Too many frames wait for their answers."
                await self._send({"type": "websocket.close", "code": TOO_MUCH_CLOSE, "reason": reason})
                return

    async def _answer_all(self) -> None:
        while True:
            frame = await self._frames.get()
            sink = EventSink(self._send)
            try:
                self._check(frame)
                await self._pipeline.handle(self._handshake.request(frame), sink)
            except ApiError as error:
                await sink.tell(error)

    def _check(self, frame: bytes) -> None:
        if len(frame) > self._max_frame_bytes:
            message = f"A frame may have {self._max_frame_bytes} bytes (setting `limits.max_body_bytes`)."
            raise PayloadTooLargeError(message)
        try:
            values = orjson.loads(frame)
        except orjson.JSONDecodeError as error:
            message = f"The frame is not valid JSON: {error.msg}."
            raise InvalidRequestError(message, code="invalid_json") from None
        kind = values.get("type") if isinstance(values, dict) else None
        if kind != CREATE:
            message = f"A frame must be an object whose `type` is `{CREATE}`."
            raise InvalidRequestError(message, code="invalid_frame", param="type")


class EventSink:
    """A ``ReplySink`` that gives each event of a stream as a message, and anything else as one event."""

    def __init__(self, send: Send) -> None:
        """Take the way back."""
        self._send = send
        self._decoder: SseDecoder | None = None
        self._status = 0
        self._has_told_error = False
        self._held: list[bytes] = []

    async def start(self, status: int, headers: Headers) -> None:
        """A WebSocket has no head; what kind of body comes decides how it is told."""
        self._status = status
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        self._decoder = SseDecoder() if kind.startswith(b"text/event-stream") else None

    async def send(self, chunk: bytes) -> None:
        """Tell the events that this completes."""
        if self._decoder is None:
            self._held.append(chunk)
            return
        for event in self._decoder.feed(chunk):
            self._has_told_error = self._has_told_error or event.event == "error"
            if event.data != _DONE:
                await self._tell_text(event.data)

    async def end(self, last: bytes = b"") -> None:
        """Tell what came in one piece: a response, or the provider's refusal."""
        await self.send(last)
        if self._decoder is not None:
            for event in self._decoder.flush():
                await self._tell_text(event.data)
            return
        body = _parsed(b"".join(self._held))
        if self._status >= FIRST_ERROR_STATUS:
            error = body.get("error", body)
            await self._tell_text(_json({"type": "error", "status": self._status, "error": error}))
        else:
            await self._tell_text(_json({"type": "response.completed", "response": body}))

    async def abort(self) -> None:
        """Tell that the reply broke off, unless its last event did."""
        if self._has_told_error:
            return
        await self.tell(UpstreamBrokenError("The provider broke off in the middle of its reply."))

    async def tell(self, error: ApiError) -> None:
        """Tell an error of ours, as the provider tells its own."""
        members = {"type": error.type, "code": error.code, "message": error.message, "param": error.param}
        await self._tell_text(_json({"type": "error", "status": error.status, "error": members}))

    async def _tell_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})


def _parsed(body: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"message": body.decode("utf-8", "replace"), "type": "upstream_error", "code": None, "param": None}
    return found if isinstance(found, dict) else {"message": str(found)}


def _json(value: dict[str, object]) -> str:
    return orjson.dumps(value).decode()
