"""Limits as people write them, and the windows of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recollect.domain.budgets import Limit, Measure, Period, Scope, merge_limits, parse_limit, parse_limits


@pytest.mark.parametrize(
    ("text", "limit", "canonical"),
    [
        ("60 requests/minute", Limit(Measure.REQUESTS, Period.MINUTE, 60), "60 requests/minute"),
        ("1 request per day", Limit(Measure.REQUESTS, Period.DAY, 1), "1 requests/day"),
        ("200_000 tokens/day", Limit(Measure.TOKENS, Period.DAY, 200_000), "200000 tokens/day"),
        ("$5 USD / month", Limit(Measure.USD, Period.MONTH, 5_000_000_000), "5 usd/month"),
        ("0.25 usd/day", Limit(Measure.USD, Period.DAY, 250_000_000), "0.25 usd/day"),
        ("0 requests/day", Limit(Measure.REQUESTS, Period.DAY, 0), "0 requests/day"),
    ],
)
def test_a_limit_is_read_and_told(text, limit, canonical):
    assert parse_limit(text) == limit
    assert str(limit) == canonical
    assert parse_limit(canonical) == limit


@pytest.mark.parametrize(
    "text", ["", "5", "5 usd", "usd/day", "5 eur/day", "5 usd/year", "-1 usd/day", "1.5 tokens/day", "9e9 usd/day"]
)
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(ValueError, match="must be"):
        parse_limit(text)


def test_of_one_measure_and_period_the_stronger_counts():
    each = parse_limits(["5 usd/day", "60 requests/minute"])
    assert merge_limits(each, parse_limits(["1 usd/day", "2 usd/month"])) == parse_limits(
        ["1 usd/day", "60 requests/minute", "2 usd/month"]
    )
    assert parse_limits(["5 usd/day", "7 usd/day"]) == parse_limits(["7 usd/day"])


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        (Period.MINUTE, datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.DAY, datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.MONTH, datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_windows_are_those_of_the_calendar(period, begin, end):
    assert period.window(datetime(2026, 12, 31, 23, 59, 59, 5, tzinfo=UTC)) == (begin, end)
    assert period.window(end)[0] == end


def test_scopes_are_told_apart_without_their_names():
    scopes = [
        Scope("user", "p", "alice"),
        Scope("user", "q", "alice"),
        Scope("key", "p", "alice"),
        Scope("user", "p", "bob"),
    ]
    assert len({scope.digest for scope in scopes}) == len(scopes)
    assert not any("alice" in scope.digest for scope in scopes)
