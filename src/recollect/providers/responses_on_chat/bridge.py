"""The bridge: a request for a response goes to ``/chat/completions``, and its reply comes back as a response."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from recollect.errors import UpstreamBrokenError
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.json_reply import header, parse_object, read_whole, with_body
from recollect.providers.responses_on_chat.items import to_response
from recollect.providers.responses_on_chat.request import custom_tools, to_chat
from recollect.providers.responses_on_chat.stream import ResponseStream
from recollect.wire.content_coding import CopyDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest

RESPONSES_PATH = "/responses"
CHAT_PATH = "/chat/completions"
FIRST_ERROR = 400
_REPLACED = frozenset({b"accept-encoding", b"content-length"})


@dataclass(frozen=True, slots=True)
class ResponsesOnChatBridge:
    """For requests whose URL ends in ``/responses``, at providers that have chat completions only."""

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """Translate, send, translate back. InvalidRequestError for what chat completions cannot say."""
        asked = parse_object(request.body)
        custom = custom_tools(asked)
        body = orjson.dumps(to_chat(asked))
        url, mark, query = request.url.partition("?")
        target = url.removesuffix(RESPONSES_PATH) + CHAT_PATH + mark + query
        kept = tuple(field for field in request.headers if field[0] not in _REPLACED)
        headers = (*kept, (b"accept-encoding", b"identity"))
        reply = await upstream.send(replace(request, url=target, headers=headers, body=body))
        if reply.status >= FIRST_ERROR:
            return reply
        if header(reply.headers, b"content-type").startswith("text/event-stream"):
            return _StreamedReply(reply, ResponseStream(asked, custom))
        whole = await read_whole(reply)
        if not isinstance(whole.document, dict) or "choices" not in whole.document:
            return InMemoryReply(reply.status, reply.headers, whole.parts)
        return with_body(reply.status, reply.headers, orjson.dumps(to_response(asked, whole.document, custom)))


class _StreamedReply:
    """Events, translated as they come."""

    __slots__ = ("_reply", "_stream", "headers", "status")

    def __init__(self, reply: UpstreamReply, stream: ResponseStream) -> None:
        self._reply = reply
        self._stream = stream
        self.status = reply.status
        self.headers: Headers = tuple(
            field for field in reply.headers if field[0] not in {b"content-length", b"content-encoding"}
        )

    async def chunks(self) -> AsyncIterator[bytes]:
        decoder = CopyDecoder(header(self._reply.headers, b"content-encoding"))
        async for chunk in self._reply.chunks():
            translated = self._stream.feed(decoder.feed(chunk))
            if translated:
                yield translated
        ending = self._stream.finish()
        if ending:
            yield ending
        if not self._stream.is_finished:
            message = "The provider ended its stream in the middle of the reply."
            raise UpstreamBrokenError(message)

    async def close(self) -> None:
        await self._reply.close()
