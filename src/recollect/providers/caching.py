"""An upstream that answers from the response cache where it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.wire.content_coding import CopyDecoder
from recollect.wire.dialects import DIALECTS, dialect_of_url
from recollect.wire.headers import CACHE_HEADER, is_event_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest
    from recollect.providers.response_cache import RecordedReply, ResponseCache

_HEADER = CACHE_HEADER.lower().encode()
HIT = (_HEADER, b"hit")
MISS = (_HEADER, b"miss")


@dataclass(frozen=True, slots=True)
class CachingUpstream:
    """An Upstream that keeps whole, faultless replies, and gives them to requests that are the same to the last byte.

    Its replies carry ``X-Memory-Cache``. Requests without a ``project``, and those whose client says
    ``Cache-Control: no-store``, pass by; ``no-cache`` asks the provider, and keeps what it answers.
    """

    upstream: Upstream
    cache: ResponseCache

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """As ``Upstream.send``."""
        wishes = b",".join(value for name, value in request.headers if name == b"cache-control").lower()
        if request.project is None or b"no-store" in wishes:
            return await self.upstream.send(request)
        found = self.cache.find(request.project, request) if b"no-cache" not in wishes else None
        if found is not None:
            return _Marked(found, HIT)
        reply = await self.upstream.send(request)
        return _KeptReply(self.cache.record(request.project, request, reply), request.url)

    async def close(self) -> None:
        """Close the upstream."""
        await self.upstream.close()


class _Marked:
    """A reply with one more header."""

    def __init__(self, reply: UpstreamReply, mark: tuple[bytes, bytes]) -> None:
        self.status = reply.status
        self.headers: Headers = (*(field for field in reply.headers if field[0] != _HEADER), mark)
        self._reply = reply

    def chunks(self) -> AsyncIterator[bytes]:
        return self._reply.chunks()

    async def close(self) -> None:
        await self._reply.close()


class _KeptReply(_Marked):
    """A recording that is kept once all of it has passed by and says that it is all."""

    def __init__(self, recording: RecordedReply, url: str) -> None:
        super().__init__(recording, MISS)
        self._recording = recording
        self._url = url

    async def chunks(self) -> AsyncIterator[bytes]:
        is_kept = False
        async for chunk in self._recording.chunks():
            if self._recording.is_whole:
                is_kept = self._keep()
            yield chunk
        if not is_kept:
            self._keep()

    def _keep(self) -> bool:
        return says_all(self._url, self._recording.headers, self._recording.pieces) and self._recording.keep()


def says_all(url: str, headers: Headers, pieces: tuple[bytes, ...]) -> bool:
    """A reply in a conversation's dialect ends as that dialect ends, and tells of no error; of any other nothing is
    known, and nothing asked."""
    name = dialect_of_url(url)
    if not name:
        return True
    fields = dict(headers)
    reader = DIALECTS[name].reply_reader(is_streamed=is_event_stream(headers))
    decoder = CopyDecoder(fields.get(b"content-encoding", b"").decode("latin-1"))
    for piece in pieces:
        reader.feed(decoder.feed(piece))
    reply = reader.finish(is_cut=decoder.is_broken)
    return reply.message is not None and not reply.is_partial and reply.error is None
