"""The way back: the provider's bytes to the client as they come, while capture listens to a copy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from recollect.errors import UpstreamBrokenError
from recollect.exchange.tap import EVENT_ENDS, ReplyTap
from recollect.wire.error_envelope import error_event
from recollect.wire.headers import header_of, is_event_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from recollect.exchange.capture import Capturer
    from recollect.exchange.exchange import Exchange
    from recollect.exchange.ports import ReplySink
    from recollect.providers.base import Headers, UpstreamReply
    from recollect.wire.prompt import Reply

HELD_BYTES = 64 * 1024 * 1024
"""A plain reply is held until it is captured; a longer one than this is relayed as it comes, uncaptured."""
FIRST_ERROR_STATUS = 400


async def relay_untouched(exchange: Exchange, upstream: UpstreamReply, sink: ReplySink, extra: Headers) -> None:
    """Head and bytes, nothing else: pass-through, errors, memory off. What breaks off here breaks off there."""
    started = False
    chunk = b""
    length = header_of(upstream.headers, b"content-length")
    left = int(length) if length.isdecimal() else -1
    try:
        async for chunk in upstream.chunks():
            if not started:
                started = True
                await sink.start(upstream.status, (*upstream.headers, *extra))
            left -= len(chunk)
            if left == 0:
                await sink.end(chunk)
                return
            await sink.send(chunk)
        if not started:
            await sink.start(upstream.status, (*upstream.headers, *extra))
        await sink.end()
    except UpstreamBrokenError as error:
        if not started:
            raise
        await _break_off(exchange, upstream, sink, chunk, error)
    finally:
        await upstream.close()


async def _break_off(
    exchange: Exchange, upstream: UpstreamReply, sink: ReplySink, last: bytes, error: UpstreamBrokenError
) -> None:
    """End a reply as the provider did: not properly. In a stream that this gateway had a part in, or where that is
    wanted, an event in the dialect's own form says so before.

    It is left out where it could not be read: behind compressed bytes, and in the middle of another event. What
    ends without an end is an error to every SDK, also to those that take the event for one like others.
    """
    is_readable = last.endswith(EVENT_ENDS) and not header_of(upstream.headers, b"content-encoding")
    is_told = is_event_stream(upstream.headers) and (error.is_ours or exchange.tells_breaks)
    if is_told and is_readable and exchange.dialect is not None:
        await sink.send(error_event(exchange.dialect.name, error))
    await sink.abort()


class CapturingRelay:
    """Relays one reply and captures it before its end reaches the client.

    ``head`` gives our response headers when the head is sent; ``decorate`` may change a plain reply's body (the
    verbose mode), None leaves it.
    """

    def __init__(
        self,
        exchange: Exchange,
        upstream: UpstreamReply,
        sink: ReplySink,
        capturer: Capturer,
        in_background: Callable[[Awaitable[None]], None],
    ) -> None:
        """Take both ends, and what to do with a capture that outlives its request."""
        self._exchange = exchange
        self._upstream = upstream
        self._sink = sink
        self._capturer = capturer
        self._in_background = in_background
        self._is_stream = is_event_stream(upstream.headers)
        if exchange.dialect is None:
            message = "a capturing relay needs a dialect"
            raise ValueError(message)
        self._tap = ReplyTap(
            exchange.dialect.reply_reader(is_streamed=self._is_stream),
            header_of(upstream.headers, b"content-encoding"),
            is_streamed=self._is_stream,
        )
        self.reply: Reply | None = None

    async def run(self, head: Callable[[], Headers], decorate: Callable[[bytes], bytes] | None) -> None:
        """Relay to the end. Cancelled when the client leaves: what arrived is then captured in the background."""
        try:
            if self._is_stream:
                await self._relay_stream(head)
            else:
                await self._relay_plain(head, decorate)
        except asyncio.CancelledError:
            if not self._exchange.is_captured:
                self._in_background(self._capture(is_cut=True))
            raise
        finally:
            await self._upstream.close()

    async def _relay_stream(self, head: Callable[[], Headers]) -> None:
        started = False
        chunk = b""
        try:
            async for chunk in self._upstream.chunks():
                if not started:
                    started = True
                    await self._start_stream(head)
                if self._tap.feed(chunk):
                    await self._capture(is_cut=False)
                await self._sink.send(chunk)
        except UpstreamBrokenError as error:
            await self._capture(is_cut=True)
            if not started:
                raise
            await _break_off(self._exchange, self._upstream, self._sink, chunk, error)
            return
        if not started:
            await self._start_stream(head)
        await self._capture(is_cut=False)
        await self._sink.end()

    async def _start_stream(self, head: Callable[[], Headers]) -> None:
        self._exchange.stored = await self._capturer.foresee(self._exchange)
        await self._sink.start(self._upstream.status, (*self._upstream.headers, *head()))

    async def _relay_plain(self, head: Callable[[], Headers], decorate: Callable[[bytes], bytes] | None) -> None:
        held: list[bytes] = []
        size = 0
        chunks = self._upstream.chunks()
        try:
            async for chunk in chunks:
                held.append(chunk)
                size += len(chunk)
                self._tap.feed(chunk)
                if size > HELD_BYTES:
                    break
        except UpstreamBrokenError:
            await self._capture(is_cut=True)
            if not held:
                raise
            await self._break_off_body(head, b"".join(held))
            return
        headers = self._upstream.headers
        body = b"".join(held)
        if size <= HELD_BYTES:
            await self._capture(is_cut=False)
            headers, body = self._decorated(headers, body, decorate)
        await self._sink.start(self._upstream.status, (*headers, *head()))
        if size <= HELD_BYTES:
            await self._sink.end(body)
            return
        await self._sink.send(body)
        async for chunk in chunks:
            await self._sink.send(chunk)
        await self._sink.end()

    def _decorated(
        self, headers: Headers, body: bytes, decorate: Callable[[bytes], bytes] | None
    ) -> tuple[Headers, bytes]:
        decoded = self._tap.decoded() if decorate else None
        if decorate is None or decoded is None:
            return headers, body
        changed = decorate(decoded)
        kept = tuple(field for field in headers if field[0] not in {b"content-length", b"content-encoding"})
        return (*kept, (b"content-length", str(len(changed)).encode())), changed

    async def _break_off_body(self, head: Callable[[], Headers], received: bytes) -> None:
        """What came from the provider, and then what the provider did: no proper end."""
        await self._sink.start(self._upstream.status, (*self._upstream.headers, *head()))
        await self._sink.send(received)
        await self._sink.abort()

    async def _capture(self, *, is_cut: bool) -> None:
        """Capture what the tap has heard, once."""
        if self._exchange.is_captured:
            return
        self.reply = self._tap.finish(is_cut=is_cut)
        await self._capturer.run(self._exchange, self.reply)
