"""Bodies that are read as a whole, to be said in another dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from recollect.errors import InvalidRequestError, UpstreamBrokenError
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.wire.content_coding import decode_copy
from recollect.wire.headers import header_of

if TYPE_CHECKING:
    from recollect.providers.base import Headers, UpstreamReply

MAX_REPLY_BYTES = 64 * 1024 * 1024
BODY_HEADERS = frozenset({b"content-length", b"content-encoding", b"content-type"})


@dataclass(frozen=True, slots=True)
class WholeReply:
    """A body: its bytes as they came, and what they say (None where that is not JSON)."""

    parts: list[bytes]
    document: Any


def parse_object(body: object) -> dict[str, Any]:
    """A request's body; InvalidRequestError ``invalid_json`` where it is no JSON object."""
    try:
        parsed = orjson.loads(body) if isinstance(body, bytes) else None
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        message = "The body must be a JSON object."
        raise InvalidRequestError(message, code="invalid_json")
    return parsed


async def read_whole(reply: UpstreamReply) -> WholeReply:
    """Read a reply to its end and close it. UpstreamBrokenError where it breaks off or is too long."""
    parts: list[bytes] = []
    size = 0
    try:
        async for chunk in reply.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_REPLY_BYTES:
                message = f"The provider's reply is longer than {MAX_REPLY_BYTES} bytes."
                raise UpstreamBrokenError(message)
    finally:
        await reply.close()
    try:
        decoded = decode_copy(parts, header_of(reply.headers, b"content-encoding"), limit=MAX_REPLY_BYTES)
        return WholeReply(parts, orjson.loads(decoded))
    except orjson.JSONDecodeError:
        return WholeReply(parts, None)


def with_body(status: int, headers: Headers, body: bytes) -> UpstreamReply:
    """A reply with another JSON body, and the headers that describe it."""
    kept = tuple(field for field in headers if field[0] not in BODY_HEADERS)
    described = ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
    return InMemoryReply(status, (*kept, *described), (body,))
