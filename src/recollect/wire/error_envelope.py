"""Errors in the client's shape, OpenAI's or Anthropic's, as a body and as the last event of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from recollect.wire.content import canonical_json

if TYPE_CHECKING:
    from recollect.errors import ApiError

MESSAGES = "messages"
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_FIRST_SERVER_STATUS = 500


def error_body(error: ApiError, dialect: str = "") -> bytes:
    """``{"error": {"message", "type", "param", "code"}}``; in ``messages``, Anthropic's type and message alone."""
    if dialect == MESSAGES:
        return canonical_json(_anthropic(error)).encode()
    return canonical_json({"error": _members(error)}).encode()


def error_event(dialect: str, error: ApiError) -> bytes:
    """The event that ends a stream in which the reply cannot go on.

    In responses its members stand where the reference has them, and in ``error``, where OpenAI's SDK looks for them.
    """
    if dialect == MESSAGES:
        return f"event: error\ndata: {canonical_json(_anthropic(error))}\n\n".encode()
    return _event(dialect, _members(error))


def reply_as_event(dialect: str, status: int, body: bytes) -> bytes:
    """The same event for a provider's own error, in its own words where it is a JSON object with an ``error``."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        sent = None
    told = sent.get("error") if isinstance(sent, dict) else None
    error = (
        told
        if isinstance(told, dict)
        else {"message": f"The provider answered with HTTP {status}.", "type": "api_error"}
    )
    if dialect == MESSAGES:
        return f"event: error\ndata: {canonical_json({'type': 'error', 'error': error})}\n\n".encode()
    return _event(dialect, error)


def _event(dialect: str, members: dict[str, object]) -> bytes:
    if dialect == "responses":
        told = {**members, "type": "error", "error": members}
        return f"event: error\ndata: {canonical_json(told)}\n\n".encode()
    return f"data: {canonical_json({'error': members})}\n\n".encode()


def anthropic_error(status: int, message: str) -> dict[str, object]:
    """Anthropic's error object for an HTTP status."""
    fallback = "api_error" if status >= _FIRST_SERVER_STATUS else "invalid_request_error"
    return {"type": "error", "error": {"type": _ANTHROPIC_TYPES.get(status, fallback), "message": message}}


def _anthropic(error: ApiError) -> dict[str, object]:
    return anthropic_error(error.status, error.message)


def _members(error: ApiError) -> dict[str, object]:
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
