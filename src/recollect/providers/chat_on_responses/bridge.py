"""The bridge: a request for a chat completion goes to ``/responses``, and its reply comes back as a completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.providers.bridged_stream import BridgedStream
from recollect.providers.chat_on_responses.reply import to_chat_completion, to_error
from recollect.providers.chat_on_responses.request import to_response_request
from recollect.providers.chat_on_responses.stream import ChatChunkStream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.json_reply import parse_object, read_whole, with_body
from recollect.providers.translation import translate_reply, translate_request
from recollect.wire.headers import is_event_stream

if TYPE_CHECKING:
    from recollect.providers.base import Upstream, UpstreamReply, UpstreamRequest

CHAT_PATH = "/chat/completions"
RESPONSES_PATH = "/responses"
FIRST_ERROR = 400
BAD_GATEWAY = 502
_REPLACED = frozenset({b"accept-encoding", b"content-length"})


@dataclass(frozen=True, slots=True)
class ChatOnResponsesBridge:
    """For requests whose URL ends in ``/chat/completions``, at providers that have responses only."""

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """Translate, send, translate back. InvalidRequestError for what responses cannot say."""
        asked = parse_object(request.body)
        body = translate_request(to_response_request, asked)
        url, mark, query = request.url.partition("?")
        target = url.removesuffix(CHAT_PATH) + RESPONSES_PATH + mark + query
        kept = tuple(field for field in request.headers if field[0] not in _REPLACED)
        headers = (*kept, (b"accept-encoding", b"identity"))
        reply = await upstream.send(request._replace(url=target, headers=headers, body=body))
        if reply.status >= FIRST_ERROR:
            return reply
        if is_event_stream(reply.headers):
            options = asked.get("stream_options")
            includes_usage = isinstance(options, dict) and options.get("include_usage") is True
            return BridgedStream(reply, ChatChunkStream(includes_usage=includes_usage), reply.headers)
        whole = await read_whole(reply)
        if not isinstance(whole.document, dict) or "output" not in whole.document:
            return InMemoryReply(reply.status, reply.headers, whole.parts)
        if whole.document.get("error"):
            return with_body(BAD_GATEWAY, reply.headers, translate_reply(to_error, whole.document["error"]))
        return with_body(reply.status, reply.headers, translate_reply(to_chat_completion, whole.document))
