"""The bridge: a request for chat completions goes to ``/v1/messages``, and its reply comes back as OpenAI's."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from recollect.errors import UpstreamBrokenError
from recollect.providers.anthropic.reply import to_chat_completion, to_error, to_headers, to_status
from recollect.providers.anthropic.request import to_messages
from recollect.providers.anthropic.stream import ChatStream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.json_reply import BODY_HEADERS, header, parse_object, read_whole, with_body
from recollect.wire.content_coding import CopyDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest

CHAT_PATH = "/chat/completions"
VERSION = (b"anthropic-version", b"2023-06-01")
FIRST_ERROR = 400
_REPLACED = frozenset({b"authorization", b"x-api-key", b"accept-encoding", b"content-length"})
_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")


@dataclass(frozen=True, slots=True)
class AnthropicBridge:
    """Speaks Anthropic's native API for requests whose URL ends in ``/chat/completions``. ``now`` is in seconds."""

    now: Callable[[], float] = time.time

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """Translate, send, translate back. InvalidRequestError for a body that cannot be said in messages."""
        chat = parse_object(request.body)
        body = orjson.dumps(to_messages(chat))
        url, mark, query = request.url.partition("?")
        target = url.removesuffix(CHAT_PATH) + "/messages" + mark + query
        reply = await upstream.send(replace(request, url=target, headers=_headers(request.headers), body=body))
        content_type = header(reply.headers, b"content-type")
        if reply.status < FIRST_ERROR and content_type.startswith("text/event-stream"):
            options = chat.get("stream_options")
            includes_usage = isinstance(options, dict) and options.get("include_usage") is True
            return _StreamedReply(reply, ChatStream(int(self.now()), includes_usage=includes_usage))
        whole = await read_whole(reply)
        if whole.document is None:
            return InMemoryReply(reply.status, reply.headers, whole.parts)
        document = whole.document
        is_error = reply.status >= FIRST_ERROR or not isinstance(document, dict) or document.get("type") == "error"
        made = to_error(document) if is_error else to_chat_completion(document, int(self.now()))
        return with_body(to_status(reply.status), to_headers(reply.headers), orjson.dumps(made))


class _StreamedReply:
    """Events, translated as they come."""

    __slots__ = ("_reply", "_stream", "headers", "status")

    def __init__(self, reply: UpstreamReply, stream: ChatStream) -> None:
        self._reply = reply
        self._stream = stream
        self.status = reply.status
        kept = tuple(field for field in to_headers(reply.headers) if field[0] not in BODY_HEADERS)
        self.headers: Headers = (*kept, _STREAM)

    async def chunks(self) -> AsyncIterator[bytes]:
        decoder = CopyDecoder(header(self._reply.headers, b"content-encoding"))
        async for chunk in self._reply.chunks():
            translated = self._stream.feed(decoder.feed(chunk))
            if translated:
                yield translated
        if not self._stream.is_finished:
            message = "Anthropic ended its stream in the middle of the reply."
            raise UpstreamBrokenError(message)

    async def close(self) -> None:
        await self._reply.close()


def _headers(headers: Headers) -> Headers:
    """The key as ``x-api-key``, the version of the API, and a reply that need not be decoded."""
    key = header(headers, b"x-api-key") or header(headers, b"authorization").removeprefix("Bearer ")
    kept = tuple(field for field in headers if field[0] not in _REPLACED)
    if not any(name == VERSION[0] for name, _ in kept):
        kept = (*kept, VERSION)
    return (*kept, (b"accept-encoding", b"identity"), *(((b"x-api-key", key.encode("latin-1")),) if key else ()))
