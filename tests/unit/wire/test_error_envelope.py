"""Errors in OpenAI's shape."""

from __future__ import annotations

import json

import pytest

from recollect.errors import InvalidRequestError, UpstreamBrokenError
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
    assert json.loads(event.data) == {"type": "error", "message": "gone", "param": None, "code": "upstream_broken"}


def test_lone_surrogates_do_not_break_the_envelope() -> None:
    assert json.loads(error_body(InvalidRequestError("x\ud800")))["error"]["message"] == "x\ufffd"
