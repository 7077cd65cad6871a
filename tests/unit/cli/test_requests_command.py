from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from recollect.domain.ids import ProjectId
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite.requests import FULL, LEFT


@pytest.fixture
def filled(shell):
    assert shell("users", "list").exit_code == 0

    async def fill():
        store = open_sqlite_store(shell.config.parent / "data" / "recollect.db")
        records = [FULL, LEFT._replace(started_at=LEFT.started_at + timedelta(hours=1), status=503)]
        await store.requests.put_requests([one._replace(project=ProjectId("default")) for one in records])
        await store.control.close()

    asyncio.run(fill())
    return shell


def test_requests_are_listed_newest_first(filled):
    lines = filled("requests").stdout.splitlines()
    assert lines[0].split() == ["at", "id", "status", "model", "user", "s", "memory", "tokens", "usd"]
    assert lines[1].split()[2:6] == ["req_left", "503", "client_left", "models"]
    assert lines[2].split()[2:] == ["req_full", "200", "m", "alice", "0.13", "injected", "2", "100+7", "0.002500"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["req_left", "req_full"]),
        (["--user", "alice"], ["req_full"]),
        (["--model", "m"], ["req_full"]),
        (["--failed"], ["req_left"]),
        (["--since", "2026-03-01T12:30:00"], ["req_left"]),
        (["--limit", "1"], ["req_left"]),
        (["--project", "other"], []),
    ],
)
def test_requests_can_be_chosen(filled, options, expected):
    assert [one["id"] for one in filled.json("requests", *options)] == expected


def test_one_request_is_shown_with_everything(filled):
    shown = json.loads(filled("requests", "req_full").stdout)
    assert shown["memory"]["memories"] == ["msg_1", "mem_2"]
    assert shown["upstream"][0] == {"name": "groq", "outcome": "429", "took_ms": 3.5}
    assert shown["cost_usd"] == 0.0025


def test_a_request_that_is_none_is_one_line(filled):
    result = filled("requests", "req_none")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_an_empty_log_says_so(filled):
    assert "no such requests" in filled("requests", "--project", "other").stdout
