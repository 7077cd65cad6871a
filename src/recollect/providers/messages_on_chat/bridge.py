"""The bridge: a request for a message goes to ``/chat/completions``, and its reply comes back as Anthropic's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from recollect.providers.bridged_stream import BridgedStream
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.providers.json_reply import parse_object, read_whole, with_body
from recollect.providers.messages_on_chat.reply import to_error, to_headers, to_message
from recollect.providers.messages_on_chat.request import to_chat
from recollect.providers.messages_on_chat.stream import MessageStream
from recollect.providers.translation import translate_reply, translate_request
from recollect.wire.headers import is_event_stream

if TYPE_CHECKING:
    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest

MESSAGES_PATH = "/messages"
CHAT_PATH = "/chat/completions"
FIRST_ERROR = 400
_REPLACED = frozenset({b"accept-encoding", b"content-length"})
_OWN_PREFIX = b"anthropic-"


@dataclass(frozen=True, slots=True)
class MessagesOnChatBridge:
    """For requests whose URL ends in ``/messages``, at providers that do not speak Anthropic's dialect."""

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """Translate, send, translate back. InvalidRequestError for what chat completions cannot say."""
        asked = parse_object(request.body)
        body = translate_request(to_chat, asked)
        url, _, query = request.url.partition("?")
        kept = "&".join(pair for pair in query.split("&") if pair and not pair.startswith("beta="))
        target = url.removesuffix(MESSAGES_PATH) + CHAT_PATH + (f"?{kept}" if kept else "")
        reply = await upstream.send(request._replace(url=target, headers=_headers(request.headers), body=body))
        if reply.status < FIRST_ERROR and is_event_stream(reply.headers):
            return BridgedStream(reply, MessageStream(str(asked.get("model"))), to_headers(reply.headers))
        whole = await read_whole(reply)
        document = whole.document
        if not isinstance(document, (dict, list)):
            return InMemoryReply(reply.status, reply.headers, whole.parts)
        is_message = reply.status < FIRST_ERROR and "choices" in document
        made = translate_reply(to_message if is_message else partial(to_error, reply.status), document)
        return with_body(reply.status, to_headers(reply.headers), made)


def _headers(headers: Headers) -> Headers:
    """Without what speaks of Anthropic's API, and for a reply that need not be decoded."""
    kept = (field for field in headers if field[0] not in _REPLACED and not field[0].startswith(_OWN_PREFIX))
    return (*kept, (b"accept-encoding", b"identity"))
