"""What `agentic` is doing, told as comments of the stream that the client waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.recall import Strategy
from recollect.errors import UpstreamBrokenError
from recollect.exchange.relay import FIRST_ERROR_STATUS
from recollect.wire.content_coding import CopyDecoder
from recollect.wire.error_envelope import error_event, reply_as_event
from recollect.wire.headers import REQUEST_ID_HEADER, header_of, is_event_stream

if TYPE_CHECKING:
    from recollect.errors import ApiError
    from recollect.exchange.exchange import Exchange
    from recollect.exchange.ports import ReplySink
    from recollect.providers.base import Headers

OWN_PREFIX = b"x-memory-"


def telling_sink(exchange: Exchange, dialect: str, sink: ReplySink) -> TellingSink | None:
    """The sink that tells of a recall that a client waits for; None where nobody would see it."""
    is_streamed = exchange.prompt is not None and exchange.prompt.is_streamed
    if exchange.controls.strategy is not Strategy.AGENTIC or not is_streamed:
        return None
    telling = TellingSink(exchange, dialect, sink)
    exchange.on_progress = telling.note
    return telling


class TellingSink:
    """A client's stream that may begin before the provider has answered.

    The first note sends the head, status 200. What the head of the provider's reply would have said comes as comments
    then, and an error as the event that the client's SDK raises. Without a note it is the sink that it was given.
    """

    def __init__(self, exchange: Exchange, dialect: str, sink: ReplySink) -> None:
        """Take the exchange, of which the provider is then asked for plain bytes, and the way to the client."""
        self._exchange = exchange
        self._dialect = dialect
        self._sink = sink
        self._is_open = False
        self._status = 200
        self._held: list[bytes] | None = None
        self._decoder: CopyDecoder | None = None

    async def note(self, what: str) -> None:
        """A comment: ``: recall search``."""
        if not self._is_open:
            self._is_open = True
            request = self._exchange.request
            kept = tuple(field for field in request.headers if field[0] != b"accept-encoding")
            self._exchange.request = request._replace(headers=kept, known=None)
            request_id = (REQUEST_ID_HEADER.lower().encode(), self._exchange.id.encode())
            head = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"), request_id)
            await self._sink.start(200, head)
        await self._sink.send(_comment([f"recall {what}"]))

    async def start(self, status: int, headers: Headers) -> None:
        """See :meth:`ReplySink.start`; behind a note, its ``X-Memory-*`` headers become comments."""
        if not self._is_open:
            await self._sink.start(status, headers)
            return
        self._status = status
        is_stream = is_event_stream(headers)
        self._held = None if is_stream and status < FIRST_ERROR_STATUS else []
        encoding = header_of(headers, b"content-encoding")
        self._decoder = CopyDecoder(encoding) if encoding else None
        own = [f"{name.decode()}: {value.decode('latin-1')}" for name, value in headers if name.startswith(OWN_PREFIX)]
        await self._sink.send(_comment(own))

    async def send(self, chunk: bytes) -> None:
        """See :meth:`ReplySink.send`."""
        plain = self._decoder.feed(chunk) if self._decoder else chunk
        if self._held is not None:
            self._held.append(plain)
        elif plain:
            await self._sink.send(plain)

    async def end(self, last: bytes = b"") -> None:
        """See :meth:`ReplySink.end`."""
        if not self._is_open:
            await self._sink.end(last)
            return
        if last:
            await self.send(last)
        if self._decoder is not None and self._decoder.is_broken:
            await self._sink.abort()
            return
        await self._sink.end(b"" if self._held is None else self._told(b"".join(self._held)))

    async def abort(self) -> None:
        """See :meth:`ReplySink.abort`."""
        await self._sink.abort()

    async def fail(self, error: ApiError) -> bool:
        """End with an error of ours; False where nothing was sent, so that it can still be a reply of its own."""
        if self._is_open:
            await self._sink.end(error_event(self._dialect, error))
        return self._is_open

    def _told(self, body: bytes) -> bytes:
        if self._status >= FIRST_ERROR_STATUS:
            return reply_as_event(self._dialect, self._status, body)
        message = "The provider answered a request for a stream with something else."
        return error_event(self._dialect, UpstreamBrokenError(message))


def _comment(lines: list[str]) -> bytes:
    return ("".join(f": {line}\n" for line in lines) + "\n").encode()
