"""A reply that keeps a copy of what passes, so that the tokens in it can be counted when it is over."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from recollect.errors import UpstreamBrokenError
from recollect.wire.content_coding import CopyDecoder, decode_copy
from recollect.wire.usage import UsageStripper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from recollect.providers.base import Headers, UpstreamReply

MAX_KEPT_BYTES = 4 * 1024 * 1024
"""Of a longer reply the end is kept, which is where providers tell what they counted."""
EVENT_STREAM = b"text/event-stream"
_ENCODING = b"content-encoding"


class MeteredReply:
    """An UpstreamReply that hands its copy to ``on_closed``, once.

    ``strips``: a stream's count was asked for by us, and is taken out of what the client gets.
    """

    __slots__ = (
        "_encoding",
        "_is_closed",
        "_kept",
        "_on_closed",
        "_reply",
        "_rest",
        "_size",
        "_strips",
        "headers",
        "is_stream",
        "status",
    )

    def __init__(
        self, reply: UpstreamReply, on_closed: Callable[[MeteredReply], None], *, strips: bool, told: Headers = ()
    ) -> None:
        """Take the reply whose head has arrived; ``told`` are headers that go before the provider's own."""
        self._reply = reply
        self._on_closed = on_closed
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._is_closed = False
        self.status = reply.status
        self.headers: Headers = reply.headers
        self._encoding = ""
        self.is_stream = False
        for name, value in reply.headers:
            if name == b"content-type":
                self.is_stream = value.lower().startswith(EVENT_STREAM)
            elif name == _ENCODING:
                self._encoding = value.decode("latin-1")
        self._strips = strips and self.is_stream
        if not told and not (self._strips and self._encoding):
            return
        replaced = {name for name, _ in told} | ({_ENCODING} if self._strips and self._encoding else set())
        self.headers = (*(field for field in reply.headers if field[0] not in replaced), *told)

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as received, but for what ``strips`` takes out."""
        self._rest = self._reply.chunks()
        if not self._strips:
            return self
        return _StrippedChunks(self._rest, CopyDecoder(self._encoding) if self._encoding else None, self._keep)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Itself: see :meth:`chunks`."""
        return self

    async def __anext__(self) -> bytes:
        """The next chunk as received."""
        chunk = await anext(self._rest)
        self._keep(chunk)
        return chunk

    async def close(self) -> None:
        """Close the reply, and have it counted."""
        await self._reply.close()
        if not self._is_closed:
            self._is_closed = True
            self._on_closed(self)

    def heard(self) -> bytes:
        """What was kept, decoded as far as it can be."""
        if self._encoding and not self._strips:
            return decode_copy(self._kept, self._encoding)
        return self._kept[0] if len(self._kept) == 1 else b"".join(self._kept)

    def _keep(self, chunk: bytes) -> None:
        self._kept.append(chunk)
        self._size += len(chunk)
        while self._size > MAX_KEPT_BYTES and len(self._kept) > 1:
            self._size -= len(self._kept.popleft())


class _StrippedChunks:
    """A stream without the count that was asked for by us. No generator, which takes longer for each chunk."""

    __slots__ = ("_decoder", "_failure", "_is_over", "_keep", "_rest", "_stripper")

    def __init__(self, rest: AsyncIterator[bytes], decoder: CopyDecoder | None, keep: Callable[[bytes], None]) -> None:
        self._rest = rest
        self._decoder = decoder
        self._keep = keep
        self._stripper = UsageStripper()
        self._is_over = False
        self._failure: UpstreamBrokenError | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._is_over:
            try:
                chunk = await anext(self._rest)
            except StopAsyncIteration:
                self._is_over = True
                passing = self._stripper.flush()
            except UpstreamBrokenError as failure:
                self._is_over, self._failure = True, failure
                passing = self._stripper.flush()
            else:
                decoded = self._decoder.feed(chunk) if self._decoder else chunk
                self._keep(decoded)
                passing = self._stripper.feed(decoded)
            if passing:
                return passing
        if self._failure is None:
            raise StopAsyncIteration
        broken, self._failure = self._failure, None
        raise broken
