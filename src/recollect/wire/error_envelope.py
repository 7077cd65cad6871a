"""Errors in OpenAI's shape, as a body and as the last event of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.content import canonical_json

if TYPE_CHECKING:
    from recollect.errors import ApiError


def error_body(error: ApiError) -> bytes:
    """``{"error": {"message", "type", "param", "code"}}``."""
    return canonical_json({"error": _members(error)}).encode()


def error_event(dialect: str, error: ApiError) -> bytes:
    """The event that ends a stream in which the reply cannot go on."""
    members = _members(error)
    if dialect == "responses":
        return f"event: error\ndata: {canonical_json({**members, 'type': 'error'})}\n\n".encode()
    return f"data: {canonical_json({'error': members})}\n\n".encode()


def _members(error: ApiError) -> dict[str, object]:
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
