"""The bridge: a request for chat completions goes to ``/v1/messages``, and its reply comes back as OpenAI's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from recollect.providers.anthropic.reply import to_chat_completion, to_error, to_headers, to_status
from recollect.providers.anthropic.request import to_messages
from recollect.providers.anthropic.stream import ChatStream
from recollect.providers.base import OAUTH_TOKEN
from recollect.providers.bridged_stream import BridgedStream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.json_reply import parse_object, read_whole, with_body
from recollect.providers.translation import translate_reply, translate_request
from recollect.wire.headers import header_of, is_event_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest

CHAT_PATH = "/chat/completions"
VERSION = (b"anthropic-version", b"2023-06-01")
FIRST_ERROR = 400
_REPLACED = frozenset({b"authorization", b"x-api-key", b"accept-encoding", b"content-length"})


@dataclass(frozen=True, slots=True)
class AnthropicBridge:
    """Speaks Anthropic's native API for requests whose URL ends in ``/chat/completions``. ``now`` is in seconds."""

    now: Callable[[], float] = time.time

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """Translate, send, translate back. InvalidRequestError for a body that cannot be said in messages."""
        chat = parse_object(request.body)
        body = translate_request(to_messages, chat)
        url, mark, query = request.url.partition("?")
        target = url.removesuffix(CHAT_PATH) + "/messages" + mark + query
        reply = await upstream.send(request._replace(url=target, headers=_headers(request.headers), body=body))
        if reply.status < FIRST_ERROR and is_event_stream(reply.headers):
            options = chat.get("stream_options")
            includes_usage = isinstance(options, dict) and options.get("include_usage") is True
            translator = ChatStream(int(self.now()), includes_usage=includes_usage)
            return BridgedStream(reply, translator, to_headers(reply.headers))
        whole = await read_whole(reply)
        if whole.document is None:
            return InMemoryReply(reply.status, reply.headers, whole.parts)
        document = whole.document
        is_error = reply.status >= FIRST_ERROR or not isinstance(document, dict) or document.get("type") == "error"
        translate = to_error if is_error else partial(to_chat_completion, created=int(self.now()))
        made = translate_reply(translate, document)
        return with_body(to_status(reply.status), to_headers(reply.headers), made)


def _headers(headers: Headers) -> Headers:
    """The key as ``x-api-key`` (a subscriber's token stays what it is), the version of the API, and a reply that need
    not be decoded."""
    key = header_of(headers, b"x-api-key") or header_of(headers, b"authorization").removeprefix("Bearer ")
    credential = (b"x-api-key", key.encode("latin-1"))
    if key.startswith(OAUTH_TOKEN):
        credential = (b"authorization", f"Bearer {key}".encode("latin-1"))
    kept = tuple(field for field in headers if field[0] not in _REPLACED)
    if not any(name == VERSION[0] for name, _ in kept):
        kept = (*kept, VERSION)
    return (*kept, (b"accept-encoding", b"identity"), *((credential,) if key else ()))
