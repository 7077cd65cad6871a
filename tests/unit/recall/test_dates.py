"""Dates written out, and dates that depend on the day of speaking."""

from __future__ import annotations

from datetime import date

import pytest

from recollect.recall.dates import DayWindow, YearlyDay, explicit_days, relative_days

WEDNESDAY = date(2023, 5, 10)


def window(first: date, last: date | None = None) -> DayWindow:
    return DayWindow(first.toordinal(), (last or first).toordinal())


@pytest.mark.parametrize(
    "text",
    [
        "on 7 May 2023",
        "May 7, 2023",
        "7th of May, 2023",
        "2023-05-07",
        "am 7. Mai 2023",
        "el 7 de mayo de 2023",
        "2023年5月7日",
    ],
)
def test_a_day_is_read_however_it_is_written(text: str):
    assert explicit_days(text) == ([window(date(2023, 5, 7))], [])


def test_a_month_and_a_year_are_spans():
    assert explicit_days("in December 2023")[0] == [window(date(2023, 12, 1), date(2023, 12, 31))]
    assert explicit_days("what happened in 2022?")[0] == [window(date(2022, 1, 1), date(2022, 12, 31))]


def test_a_month_without_a_year_recurs():
    assert explicit_days("in June")[1] == [YearlyDay(6)]
    assert explicit_days("on June 3rd")[1] == [YearlyDay(6, 3)]
    assert explicit_days("5月8日")[1] == [YearlyDay(5, 8)]


@pytest.mark.parametrize(
    "text", ["I may go", "march on", "the 32 May 2023", "room 2023", "version 2023-13-45", "sun and sea"]
)
def test_what_is_no_date_is_left_alone(text: str):
    assert explicit_days(text)[0] == []


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("I saw her yesterday", date(2023, 5, 9), None),
        ("the day before yesterday", date(2023, 5, 8), None),
        ("last Friday we met", date(2023, 5, 5), None),
        ("on Wednesday", date(2023, 5, 3), None),
        ("next Friday", date(2023, 5, 12), None),
        ("three days ago", date(2023, 5, 7), None),
        ("two weeks ago", date(2023, 4, 23), date(2023, 4, 29)),
        ("tomorrow", date(2023, 5, 11), None),
        ("gestern", date(2023, 5, 9), None),
        ("vor 3 Tagen", date(2023, 5, 7), None),
        ("ayer", date(2023, 5, 9), None),
        ("昨天", date(2023, 5, 9), None),
        ("昨日", date(2023, 5, 9), None),
    ],
)
def test_relative_days_depend_on_the_day_of_speaking(text: str, first: date, last: date | None):
    assert relative_days(text, WEDNESDAY) == [window(first, last)]


def test_nothing_relative_gives_nothing():
    assert relative_days("a plain sentence", WEDNESDAY) == []
