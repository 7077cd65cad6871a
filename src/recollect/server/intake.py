"""Request bodies, bounded: read as a whole where memory or routing needs them, else passed on chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.errors import InvalidRequestError, PayloadTooLargeError, RequestTimeoutError
from recollect.server.departure import ClientGoneError
from recollect.wire.content_coding import decode_request_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from recollect.providers.base import Headers
    from recollect.server.departure import Departure
    from recollect.server.patience import Patience
    from recollect.server.ports import Message, Receive
    from recollect.settings import LimitSettings

_RECODED = frozenset({b"content-encoding", b"content-length"})


def declared_length(fields: Mapping[bytes, bytes]) -> int | None:
    """The ``Content-Length``; None where there is none. InvalidRequestError where it is no number."""
    text = fields.get(b"content-length")
    if text is None:
        return None
    if not text.isdigit():
        message = "The Content-Length header must be a whole number."
        raise InvalidRequestError(message, code="invalid_content_length", param="Content-Length")
    return int(text)


def has_body(fields: Mapping[bytes, bytes]) -> bool:
    """The request announces a body."""
    return b"transfer-encoding" in fields or (declared_length(fields) or 0) > 0


@dataclass(frozen=True, slots=True)
class Intake:
    """What bodies are read by: the same for all requests of an application."""

    limits: LimitSettings
    patience: Patience

    def check(self, body: bytes) -> None:
        """PayloadTooLargeError where a body has more bytes than are read as a whole."""
        if len(body) > self.limits.max_body_bytes:
            raise _too_large(self.limits.max_body_bytes, "max_body_bytes")


async def read_body(receive: Receive, fields: Mapping[bytes, bytes], intake: Intake) -> bytes:
    """The whole body, as sent. PayloadTooLargeError before a byte is read where the header admits to it."""
    limit = intake.limits.max_body_bytes
    if (declared_length(fields) or 0) > limit:
        raise _too_large(limit, "max_body_bytes")
    message = await _next(receive, intake.patience)
    first = _chunk(message)
    if not message.get("more_body"):
        intake.check(first)
        return first
    pieces, size = [first], len(first)
    while message.get("more_body"):
        message = await _next(receive, intake.patience)
        pieces.append(_chunk(message))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit, "max_body_bytes")
    return b"".join(pieces)


def check_upload(fields: Mapping[bytes, bytes], limits: LimitSettings) -> None:
    """PayloadTooLargeError where the header admits to more than may be passed on."""
    if (declared_length(fields) or 0) > limits.max_upload_bytes:
        raise _too_large(limits.max_upload_bytes, "max_upload_bytes")


async def stream_body(receive: Receive, intake: Intake, watch: Departure) -> AsyncIterator[bytes]:
    """The body chunk by chunk, at most ``max_upload_bytes``; behind its end the client's departure is watched for.

    What goes wrong in the middle interrupts the exchange, instead of being raised into whoever sends the upload on
    and would take it for a failure of the provider.
    """
    limit = intake.limits.max_upload_bytes
    size = 0
    is_open = True
    while is_open:
        try:
            message = await _next(receive, intake.patience)
            size += len(_chunk(message))
            if size > limit:
                raise _too_large(limit, "max_upload_bytes")
        except (ClientGoneError, RequestTimeoutError, PayloadTooLargeError) as error:
            watch.interrupt(error)
            raise
        is_open = bool(message.get("more_body"))
        if not is_open:
            watch.start()
        if message.get("body"):
            yield _chunk(message)


def decoded(body: bytes, headers: Headers, encoding: bytes, limits: LimitSettings) -> tuple[bytes, Headers]:
    """A compressed body in clear, and the headers without what described the compressed one."""
    plain = decode_request_body(body, encoding.decode("latin-1"), limits.max_body_bytes)
    return plain, tuple(field for field in headers if field[0] not in _RECODED)


async def _next(receive: Receive, patience: Patience) -> Message:
    message = await patience.next(receive)
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message


def _chunk(message: Message) -> bytes:
    chunk = message.get("body", b"")
    return chunk if isinstance(chunk, bytes) else b""


def _too_large(limit: int, setting: str) -> PayloadTooLargeError:
    message = f"The body is larger than {limit} bytes, the limit of this gateway (setting `limits.{setting}`)."
    return PayloadTooLargeError(message)
