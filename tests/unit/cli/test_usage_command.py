"""`recollect usage`, over a database that has counted something."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from recollect.domain.ids import ProjectId
from recollect.domain.usage import Payer, UsageAccount, UsageCounts
from recollect.stores.sqlite import open_sqlite_store

COUNTS = UsageCounts(requests=3, input_tokens=1200, cached_tokens=900, output_tokens=80, nano_usd=12_345_678)


@pytest.fixture
def counted(tmp_path):
    def account(day, user):
        return UsageAccount(date(2026, 5, day), Payer(ProjectId("default"), "", user), "openai", "gpt-4o")

    async def fill():
        store = open_sqlite_store(tmp_path / "data" / "recollect.db")
        await store.usage.add_usage({account(4, "alice"): COUNTS, account(5, "bob"): COUNTS})
        await store.control.close()

    asyncio.run(fill())


def test_totals_are_told_by_day(shell, counted):
    lines = shell("usage").stdout.splitlines()
    assert lines[0].split()[:3] == ["day", "requests", "input"]
    assert [line.split()[:6] for line in lines[1:]] == [
        ["2026-05-04", "3", "1200", "900", "80", "0.0123"],
        ["2026-05-05", "3", "1200", "900", "80", "0.0123"],
    ]


def test_totals_are_restricted_and_told_apart(shell, counted):
    (line,) = shell.json("usage", "--from", "2026-05-05", "--by", "user", "--by", "model")
    assert (line["user"], line["model"], line["requests"]) == ("bob", "gpt-4o", 3)
    assert line["cost_usd"] == pytest.approx(0.012345678)
    assert [one["user"] for one in shell.json("usage", "--to", "2026-05-04", "--by", "user")] == ["alice"]
    assert [one["requests"] for one in shell.json("usage", "--user", "bob")] == [3]


def test_nothing_is_said_in_words(shell):
    assert "Nothing was counted" in shell("usage").output


def test_a_day_that_is_none_is_refused(shell):
    assert shell("usage", "--from", "yesterday").exit_code == 2
