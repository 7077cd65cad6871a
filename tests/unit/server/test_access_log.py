from __future__ import annotations

import hashlib
import json
import logging
import logging.config
from datetime import UTC, datetime

import pytest

from recollect.domain.requests import RequestRecord
from recollect.domain.usage import Cost, Usage
from recollect.server.logs import JsonLines, logging_config
from tests.unit.server.fakes import exchange, running

CHAT = "/v1/chat/completions"
RECORD = RequestRecord(
    "req_7",
    datetime(2026, 5, 1, tzinfo=UTC),
    130.0,
    "POST",
    "chat/completions",
    status=200,
    key_id="key_1",
    user="ann@example.com",
    provider="openai",
    model="m\n1",
    memory="injected",
    memories=("msg_1",),
    memory_tokens=40,
    cost=Cost("openai", "m", Usage(100, 7), None),
)


async def tells(request, sink):
    await sink.start(200, ())
    await sink.end(b"{}")
    request.on_end(RECORD)


@pytest.fixture
async def lines(gateway, caplog):
    """The lines of one exchange and one call of the memory surface, as text and as JSON."""
    gateway.pipeline.handler = tells
    async with running(gateway, has_access_log=True) as app:
        with caplog.at_level(logging.INFO, logger="recollect.access"):
            await exchange(app, "POST", CHAT + "?q=secret", body=b'{"messages": "secret"}')
            await exchange(app, "GET", "/v1/memory/users")
    return [(record.getMessage(), json.loads(JsonLines().format(record))) for record in caplog.records]


async def test_what_an_exchange_came_to_is_one_line(lines):
    text, line = lines[0]
    assert text.startswith("POST /v1/chat/completions surface=openai status=200 bytes=2 ms=")
    assert 'model="m\\n1"' in text
    assert "\n" not in text
    del line["at"], line["ms"]
    assert line == {
        "level": "info",
        "logger": "recollect.access",
        "method": "POST",
        "path": CHAT,
        "surface": "openai",
        "status": 200,
        "bytes": 2,
        "id": "req_7",
        "provider": "openai",
        "model": "m\n1",
        "key": "key_1",
        "user": RECORD.pseudonym,
        "memory": "injected",
        "memories": 1,
        "memory_tokens": 40,
        "input_tokens": 100,
        "output_tokens": 7,
    }


async def test_any_other_request_has_no_more_than_its_own(lines):
    _, line = lines[1]
    assert set(line) == {"at", "level", "logger", "method", "path", "surface", "status", "bytes", "ms"}


async def test_nothing_of_what_was_said_and_nobody_by_name(lines):
    told = json.dumps(lines)
    assert "secret" not in told
    assert "ann" not in told


def test_a_user_can_be_found_again():
    assert RECORD.pseudonym == hashlib.sha256(b"ann@example.com").hexdigest()[:12]
    assert RECORD._replace(user=None).pseudonym is None


def test_every_line_of_the_log_is_json_where_that_is_asked_for(capsys):
    logging.config.dictConfig(logging_config("info", "json"))
    try:
        logging.getLogger("recollect.test").warning("it is %s", "late")
    finally:
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"handlers": []}})
        logging.getLogger("recollect").setLevel(logging.NOTSET)
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["message"]) == ("warning", "recollect.test", "it is late")
