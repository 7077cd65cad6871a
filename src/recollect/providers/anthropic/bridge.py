"""The bridge: a request for chat completions goes to ``/v1/messages``, and its reply comes back as OpenAI's."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from recollect.errors import InvalidRequestError, UpstreamBrokenError
from recollect.providers.anthropic.reply import to_chat_completion, to_error, to_headers, to_status
from recollect.providers.anthropic.request import to_messages
from recollect.providers.anthropic.stream import ChatStream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.wire.content_coding import CopyDecoder, decode_copy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest

CHAT_PATH = "/chat/completions"
VERSION = (b"anthropic-version", b"2023-06-01")
MAX_REPLY_BYTES = 64 * 1024 * 1024
FIRST_ERROR = 400
_REPLACED = frozenset({b"authorization", b"x-api-key", b"accept-encoding", b"content-length"})
_JSON = b"application/json"
_STREAM = b"text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class AnthropicBridge:
    """Speaks Anthropic's native API for requests whose URL ends in ``/chat/completions``. ``now`` is in seconds."""

    now: Callable[[], float] = time.time

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """Translate, send, translate back. InvalidRequestError for a body that cannot be said in messages."""
        chat = _parse(request.body)
        body = orjson.dumps(to_messages(chat))
        url, mark, query = request.url.partition("?")
        target = url.removesuffix(CHAT_PATH) + "/messages" + mark + query
        reply = await upstream.send(replace(request, url=target, headers=_headers(request.headers), body=body))
        content_type = _header(reply.headers, b"content-type")
        if reply.status < FIRST_ERROR and content_type.startswith(b"text/event-stream"):
            options = chat.get("stream_options")
            includes_usage = isinstance(options, dict) and options.get("include_usage") is True
            return _StreamedReply(reply, ChatStream(int(self.now()), includes_usage=includes_usage))
        return await self._whole(reply)

    async def _whole(self, reply: UpstreamReply) -> UpstreamReply:
        """A plain reply or an error; what is not JSON passes as it is."""
        parts: list[bytes] = []
        size = 0
        try:
            async for chunk in reply.chunks():
                parts.append(chunk)
                size += len(chunk)
                if size > MAX_REPLY_BYTES:
                    message = f"Anthropic's reply is longer than {MAX_REPLY_BYTES} bytes."
                    raise UpstreamBrokenError(message)
        finally:
            await reply.close()
        try:
            document = orjson.loads(decode_copy(parts, _header(reply.headers, b"content-encoding").decode("latin-1")))
        except orjson.JSONDecodeError:
            return InMemoryReply(reply.status, reply.headers, parts)
        is_error = reply.status >= FIRST_ERROR or not isinstance(document, dict) or document.get("type") == "error"
        made = to_error(document) if is_error else to_chat_completion(document, int(self.now()))
        return _in_memory(to_status(reply.status), reply.headers, orjson.dumps(made))


class _StreamedReply:
    """Events, translated as they come."""

    __slots__ = ("_reply", "_stream", "headers", "status")

    def __init__(self, reply: UpstreamReply, stream: ChatStream) -> None:
        self._reply = reply
        self._stream = stream
        self.status = reply.status
        self.headers = to_headers(reply.headers, _STREAM)

    async def chunks(self) -> AsyncIterator[bytes]:
        decoder = CopyDecoder(_header(self._reply.headers, b"content-encoding").decode("latin-1"))
        async for chunk in self._reply.chunks():
            translated = self._stream.feed(decoder.feed(chunk))
            if translated:
                yield translated
        if not self._stream.is_finished:
            message = "Anthropic ended its stream in the middle of the reply."
            raise UpstreamBrokenError(message)

    async def close(self) -> None:
        await self._reply.close()


def _parse(body: object) -> dict[str, Any]:
    try:
        chat = orjson.loads(body) if isinstance(body, bytes) else None
    except orjson.JSONDecodeError:
        chat = None
    if not isinstance(chat, dict):
        message = "The body must be a JSON object."
        raise InvalidRequestError(message, code="invalid_json")
    return chat


def _headers(headers: Headers) -> Headers:
    """The key as ``x-api-key``, the version of the API, and a reply that need not be decoded."""
    key = _header(headers, b"x-api-key") or _header(headers, b"authorization").removeprefix(b"Bearer ")
    kept = tuple(field for field in headers if field[0] not in _REPLACED)
    if not any(name == VERSION[0] for name, _ in kept):
        kept = (*kept, VERSION)
    return (*kept, (b"accept-encoding", b"identity"), *(((b"x-api-key", key),) if key else ()))


def _header(headers: Headers, name: bytes) -> bytes:
    return next((value for field, value in headers if field == name), b"")


def _in_memory(status: int, headers: Headers, body: bytes) -> UpstreamReply:
    length = (b"content-length", str(len(body)).encode())
    return InMemoryReply(status, (*to_headers(headers, _JSON), length), (body,))
