"""Tokens a day survive a restart and are shared; calls a minute are spread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recollect.errors import ExtractorUnavailableError
from recollect.extractors.llm import DailyTokens, Pace

EVENING = datetime(2026, 5, 12, 23, 0, tzinfo=UTC)


def test_a_day_has_its_tokens(tmp_path):
    first, second = (DailyTokens(tmp_path / "used", 100, lambda: EVENING) for _ in range(2))
    first.add(60)
    second.add(30)
    assert first.used() == second.used() == 90
    second.check(10)
    with pytest.raises(ExtractorUnavailableError, match="daily_tokens") as refused:
        DailyTokens(tmp_path / "used", 100, lambda: EVENING).check(11)
    assert refused.value.retry_after_s == 3600


def test_another_day_begins_anew_and_leaves_one_file(tmp_path):
    times = [EVENING]
    daily = DailyTokens(tmp_path / "used", 100, lambda: times[-1])
    daily.add(100)
    times.append(EVENING + timedelta(hours=2))
    daily.check(100)
    daily.add(1)
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["tokens-2026-05-13"]


def test_without_a_folder_it_counts_in_this_process():
    daily = DailyTokens(None, 10, lambda: EVENING)
    daily.add(4)
    daily.add(5)
    assert daily.used() == 9
    with pytest.raises(ExtractorUnavailableError):
        daily.check(2)


def test_without_a_limit_nothing_is_written(tmp_path):
    daily = DailyTokens(tmp_path / "used", None, lambda: EVENING)
    daily.add(10**9)
    daily.check(10**9)
    assert list(tmp_path.iterdir()) == []


def test_calls_of_a_minute():
    now = [0.0]
    pace = Pace(2, lambda: now[-1])
    pace.note()
    now.append(10.0)
    pace.note()
    assert pace.wait_s() == 50.0
    assert pace.wait_s(2) == 60.0
    now.append(61.0)
    assert pace.wait_s() == 0.0
    assert pace.wait_s(2) == 9.0


def test_an_endpoint_is_left_alone_for_as_long_as_it_asks():
    now = [0.0]
    pace = Pace(None, lambda: now[-1])
    pace.rest(30)
    pace.rest(5)
    assert pace.wait_s() == 30.0
    now.append(31.0)
    assert pace.wait_s() == 0.0
