"""The bridge: a request for a response goes to ``/chat/completions``, and its reply comes back as a response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.providers.bridged_stream import BridgedStream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.json_reply import parse_object, read_whole, with_body
from recollect.providers.responses_on_chat.items import to_response
from recollect.providers.responses_on_chat.request import custom_tools, to_chat
from recollect.providers.responses_on_chat.stream import ResponseStream
from recollect.providers.translation import translate_reply, translate_request
from recollect.wire.headers import is_event_stream

if TYPE_CHECKING:
    from recollect.providers.base import Upstream, UpstreamReply, UpstreamRequest

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
        body = translate_request(to_chat, asked)
        url, mark, query = request.url.partition("?")
        target = url.removesuffix(RESPONSES_PATH) + CHAT_PATH + mark + query
        kept = tuple(field for field in request.headers if field[0] not in _REPLACED)
        headers = (*kept, (b"accept-encoding", b"identity"))
        reply = await upstream.send(request._replace(url=target, headers=headers, body=body))
        if reply.status >= FIRST_ERROR:
            return reply
        if is_event_stream(reply.headers):
            return BridgedStream(reply, ResponseStream(asked, custom), reply.headers)
        whole = await read_whole(reply)
        if not isinstance(whole.document, dict) or "choices" not in whole.document:
            return InMemoryReply(reply.status, reply.headers, whole.parts)
        made = translate_reply(lambda chat: to_response(asked, chat, custom), whole.document)
        return with_body(reply.status, reply.headers, made)
