"""A stream of events that is said in another dialect as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from recollect.errors import UpstreamBrokenError
from recollect.providers.json_reply import BODY_HEADERS
from recollect.providers.translation import translate_chunk
from recollect.wire.content_coding import CopyDecoder
from recollect.wire.headers import header_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.providers.base import Headers, UpstreamReply

_CONTENT_TYPE = (b"content-type", b"text/event-stream; charset=utf-8")


class Translator(Protocol):
    """Takes the bytes of one stream, cut anywhere; gives the bytes of the other."""

    is_finished: bool
    """The stream has said that it is over, by its last event or by an error."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets for these bytes; perhaps nothing yet."""

    def finish(self) -> bytes:
        """The bytes have ended: what the client still gets. Nothing where the reply broke off."""


class BridgedStream:
    """An UpstreamReply. UpstreamBrokenError where the provider's stream ends in the middle of its reply."""

    __slots__ = ("_reply", "_translator", "headers", "status")

    def __init__(self, reply: UpstreamReply, translator: Translator, headers: Headers) -> None:
        """``headers`` are the reply's, in the client's dialect; those of the body are made anew."""
        self._reply = reply
        self._translator = translator
        self.status = reply.status
        self.headers: Headers = (*(field for field in headers if field[0] not in BODY_HEADERS), _CONTENT_TYPE)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The translated events."""
        decoder = CopyDecoder(header_of(self._reply.headers, b"content-encoding"))
        try:
            async for chunk in self._reply.chunks():
                translated = translate_chunk(self._translator, decoder.feed(chunk))
                if translated:
                    yield translated
        except UpstreamBrokenError as error:
            error.is_ours = True
            raise
        ending = self._translator.finish()
        if ending:
            yield ending
        if not self._translator.is_finished:
            failure = UpstreamBrokenError("The provider ended its stream in the middle of the reply.")
            failure.is_ours = True
            raise failure

    async def close(self) -> None:
        """Close the provider's reply."""
        await self._reply.close()
