"""Errors in OpenAI's shape."""

from __future__ import annotations

import json

import pytest

from recollect.errors import (
    ApiError,
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitedError,
    UnprocessableError,
    UpstreamBrokenError,
    UpstreamTimeoutError,
)
from recollect.wire.error_envelope import error_body, error_event
from recollect.wire.sse import SseDecoder

ERROR = InvalidRequestError('bad "é"\n', code="invalid_mode", param="X-Memory-Mode")
MEMBERS = {
    "message": 'bad "é"\n',
    "type": "invalid_request_error",
    "param": "X-Memory-Mode",
    "code": "invalid_mode",
}


def test_a_body() -> None:
    assert json.loads(error_body(ERROR)) == {"error": MEMBERS}


@pytest.mark.parametrize("dialect", ["chat/completions", "completions"])
def test_an_event_of_chat(dialect: str) -> None:
    (event,) = SseDecoder().feed(error_event(dialect, ERROR))
    assert event.event == "message"
    assert json.loads(event.data) == {"error": MEMBERS}


def test_an_event_of_responses() -> None:
    (event,) = SseDecoder().feed(error_event("responses", UpstreamBrokenError("gone")))
    assert event.event == "error"
    members = {"message": "gone", "param": None, "code": "upstream_broken"}
    assert json.loads(event.data) == {
        **members,
        "type": "error",
        "error": {**members, "type": "upstream_error"},
    }


def test_anthropics_body_and_event() -> None:
    expected = {"type": "error", "error": {"type": "invalid_request_error", "message": MEMBERS["message"]}}
    assert json.loads(error_body(ERROR, "messages")) == expected
    (event,) = SseDecoder().feed(error_event("messages", ERROR))
    assert (event.event, json.loads(event.data)) == ("error", expected)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AuthenticationError("x"), "authentication_error"),
        (PermissionDeniedError("x"), "permission_error"),
        (NotFoundError("x"), "not_found_error"),
        (PayloadTooLargeError("x"), "request_too_large"),
        (UnprocessableError("x"), "invalid_request_error"),
        (RateLimitedError("x"), "rate_limit_error"),
        (UpstreamBrokenError("x"), "api_error"),
        (UpstreamTimeoutError("x"), "timeout_error"),
    ],
)
def test_each_status_has_anthropics_type(error: ApiError, kind: str) -> None:
    assert json.loads(error_body(error, "messages"))["error"]["type"] == kind


def test_lone_surrogates_do_not_break_the_envelope() -> None:
    assert json.loads(error_body(InvalidRequestError("x\ud800")))["error"]["message"] == "x\ufffd"
