"""Which limits hold, and what a client is told of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recollect.accounting.budgets import BudgetRules, charges_for, corrections, limit_headers, refusal
from recollect.domain.budgets import Measure, Standing, parse_limits
from recollect.domain.usage import Payer

NOW = datetime(2026, 5, 4, 22, 59, 30, tzinfo=UTC)
ALICE = Payer("p", "key_1", "alice")


def limits(*texts):
    return parse_limits(texts)


def told(rules, payer=ALICE, of_key=()):
    found = rules.limits_on("p", payer, "openai/m", of_key)
    return {(scope.kind, scope.name, str(limit)) for scope, limit in found}


def standings(used, *texts, amounts=None):
    rules = BudgetRules(user=limits(*texts))
    charges = charges_for(list(rules.limits_on("p", ALICE, "m", ())), amounts or {Measure.REQUESTS: 1}, NOW)
    return [Standing(charge, used) for charge in charges]


def test_a_limit_by_name_goes_before_one_for_each():
    rules = BudgetRules(
        project=limits("9 usd/day"),
        user=limits("1 usd/day", "60 requests/minute"),
        users={"alice": limits("5 usd/day")},
        models={"openai/m": limits("3 usd/day")},
    )
    assert told(rules) == {
        ("project", "", "9 usd/day"),
        ("user", "alice", "5 usd/day"),
        ("user", "alice", "60 requests/minute"),
        ("model", "openai/m", "3 usd/day"),
    }
    bob = told(rules, Payer("p", "", "bob"))
    assert ("user", "bob", "1 usd/day") in bob


def test_a_keys_own_limits_go_before_those_of_each_key():
    rules = BudgetRules(key=limits("1 usd/day", "10 requests/day"))
    assert told(rules, of_key=limits("7 usd/day")) == {
        ("key", "key_1", "7 usd/day"),
        ("key", "key_1", "10 requests/day"),
    }
    assert told(rules, Payer("p", "", "alice")) == set()
    assert rules.are_any
    assert not BudgetRules().are_any


def test_parts_of_a_project_share_its_budget():
    rules = BudgetRules(project=limits("1 usd/day"))
    (one,) = rules.limits_on("p", Payer("p/part", "", "alice"), "m", ())
    (other,) = rules.limits_on("p", Payer("p", "", "bob"), "m", ())
    assert one == other


def test_what_was_foreseen_is_set_right():
    found = standings(0, "9 requests/day", "100 tokens/day", amounts={Measure.REQUESTS: 1, Measure.TOKENS: 50})
    changes = corrections([one.charge for one in found], {Measure.REQUESTS: 1, Measure.TOKENS: 30})
    assert [change.amount for change in changes] == [0, -20]


def test_a_refusal_says_what_is_used_up_and_until_when():
    error = refusal(standings(40, "40 requests/day"), NOW)
    assert (error.status, error.code) == (429, "rate_limit_exceeded")
    assert "40 requests/day, of which 40 are used" in error.message
    assert "2026-05-05T00:00:00Z" in error.message
    assert dict(error.headers) == {
        b"retry-after": b"3630",
        b"x-should-retry": b"false",
        b"x-ratelimit-limit-requests": b"40",
        b"x-ratelimit-remaining-requests": b"0",
        b"x-ratelimit-reset-requests": b"1h0m30s",
    }


def test_a_refusal_for_a_moment_may_be_tried_again():
    error = refusal(standings(60, "60 requests/minute"), NOW)
    assert dict(error.headers)[b"retry-after"] == b"30"
    assert b"x-should-retry" not in dict(error.headers)


def test_money_is_a_budget():
    error = refusal(standings(5_000_000_000, "5 usd/day"), NOW)
    assert error.code == "budget_exceeded"
    assert "5 usd/day, of which 5 are used" in error.message


def test_of_several_refusals_the_longest_is_told():
    error = refusal(standings(9, "5 requests/minute", "6 requests/day", "7 requests/month"), NOW)
    assert "2026-06-01T00:00:00Z" in error.message
    assert refusal(standings(1, "5 requests/minute"), NOW) is None


@pytest.mark.parametrize(("is_charged", "left"), [(True, b"3"), (False, b"4")])
def test_the_tightest_limit_is_told(is_charged, left):
    found = standings(1, "9 requests/minute", "5 requests/day", "3 usd/day")
    headers = dict(limit_headers(found, NOW, is_charged=is_charged))
    assert headers[b"x-ratelimit-limit-requests"] == b"5"
    assert headers[b"x-ratelimit-remaining-requests"] == left
    assert not any(b"tokens" in name or b"usd" in name for name in headers)
