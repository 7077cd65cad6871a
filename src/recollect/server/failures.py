"""Errors on the wire, and in the log: the log names the place, never the text that somebody sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from recollect.errors import ApiError, ServiceError, place_of
from recollect.wire.error_envelope import error_body

if TYPE_CHECKING:
    from recollect.providers.base import Headers

logger = logging.getLogger(__name__)

FIRST_SERVER_STATUS = 500
CONFLICT = 409
_REQUEST_ID = b"x-memory-request-id"


def error_reply(error: ApiError, request_id: str, dialect: str = "") -> tuple[int, Headers, bytes]:
    """Status, head and body in OpenAI's shape, or in that of the dialect."""
    body = error_body(error, dialect)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (_REQUEST_ID, request_id.encode()),
        *(field for field in error.headers if field[0] != _REQUEST_ID),
    ]
    if error.status == CONFLICT:
        headers.append((b"x-should-retry", b"false"))  # the SDKs repeat a 409 unless they are told not to
    return error.status, tuple(headers), body


def id_of(error: ApiError, fallback: str) -> str:
    """The request's id: the exchange's, where the error came from one."""
    return next((value.decode() for name, value in error.headers if name == _REQUEST_ID), fallback)


def internal_error(error: Exception, request_id: str) -> ApiError:
    """What the client is told of a defect of ours; the log gets the kind of error and where it was raised.

    Neither gets the exception's own words: they may quote a message.
    """
    logger.error("request %s failed: %s", request_id, place_of(error))
    message = f"This gateway has a defect that broke the request. Its log has the details under {request_id}."
    return ServiceError(message)


def log_refusal(error: ApiError, request_id: str, path: str) -> None:
    """One line for an error that the client was told of."""
    level = logging.WARNING if error.status >= FIRST_SERVER_STATUS else logging.DEBUG
    logger.log(level, "request %s to %s: %s (%s)", request_id, path, error.code, error.status)
