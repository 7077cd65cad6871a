from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import cycle
from random import Random

import pytest

from recollect.errors import SettingsError
from recollect.providers.health import Health
from recollect.providers.routes import RouteTable, Strategy, Target, parse_routes
from tests.unit.providers.fakes import Clock


def table(settings, *, luck=None, health=None):
    return RouteTable(parse_routes(settings), health or Health(clock=Clock()), luck or Random(7).random)


def names(plan):
    return [target.model for target in plan]


def test_a_model_is_its_own_route():
    assert table({}).plan("openai/gpt-4o") == (Target("openai/gpt-4o"),)


def test_an_alias():
    assert names(table({"fast": "groq/llama"}).plan("fast")) == ["groq/llama"]


def test_a_list_is_an_order():
    assert names(table({"fast": ["groq/llama", "openai/gpt"]}).plan("fast")) == ["groq/llama", "openai/gpt"]


def test_routes_may_lead_to_routes():
    settings = {"all": ["fast", "slow"], "fast": ["a/1", "b/1"], "slow": "c/1"}
    assert names(table(settings).plan("all")) == ["a/1", "b/1", "c/1"]


def test_fallbacks_come_last_and_nothing_twice():
    settings = {"fast": {"models": ["a/1", "b/1"], "fallbacks": ["b/1", "c/1"]}}
    assert names(table(settings).plan("fast")) == ["a/1", "b/1", "c/1"]


def test_the_fallbacks_of_an_inner_route_are_kept():
    settings = {"alias": "fast", "fast": {"models": "a/1", "fallbacks": ["slow", "d/1"]}, "slow": ["b/1", "c/1"]}
    assert names(table(settings).plan("alias")) == ["a/1", "b/1", "c/1", "d/1"]
    settings["outer"] = {"models": ["fast", "e/1"], "fallbacks": "f/1"}
    assert names(table(settings).plan("outer")) == ["a/1", "e/1", "f/1", "b/1", "c/1", "d/1"]


def test_weights_share_the_load():
    settings = {"fast": {"models": [{"model": "a/1", "weight": 3}, {"model": "b/1"}], "fallbacks": "c/1"}}
    routes = table(settings)
    assert routes.routes["fast"].strategy is Strategy.WEIGHTED
    plans = [names(routes.plan("fast")) for _ in range(2000)]
    first = Counter(plan[0] for plan in plans)
    assert 0.70 < first["a/1"] / 2000 < 0.80
    assert all(plan[2] == "c/1" for plan in plans)


def test_the_least_latency_goes_first_and_the_unknown_before_it():
    health = Health(clock=Clock())
    routes = table({"fast": {"models": ["a/1", "b/1", "c/1"], "strategy": "least_latency"}}, health=health)
    health.succeeded(Target("a/1"), 2.0)
    health.succeeded(Target("b/1"), 1.0)
    assert names(routes.plan("fast")) == ["c/1", "b/1", "a/1"]


def test_a_resting_target_comes_last_but_is_not_lost():
    health = Health(clock=Clock())
    routes = table({"fast": ["a/1", "b/1"], "only": "a/1"}, health=health)
    health.failed(Target("a/1"), 30.0)
    assert names(routes.plan("fast")) == ["b/1", "a/1"]
    assert names(routes.plan("only")) == ["a/1"]
    assert names(routes.plan("a/1")) == ["a/1"]


def test_keys_of_one_provider_are_different_targets():
    settings = {"fast": [{"model": "a/1", "key": "one"}, {"model": "a/1", "key": "two"}]}
    assert [target.key_name for target in table(settings).plan("fast")] == ["one", "two"]


def test_a_route_may_have_the_name_of_a_model_that_it_leads_to():
    settings = {"gpt-4o": {"models": "gpt-4o", "fallbacks": "azure/gpt-4o"}, "best": "gpt-4o"}
    assert names(table(settings).plan("gpt-4o")) == ["gpt-4o", "azure/gpt-4o"]
    assert names(table(settings).plan("best")) == ["gpt-4o", "azure/gpt-4o"]
    assert table(settings).first("best") == "gpt-4o"


def test_endpoints_of_a_model_share_its_load_and_stay_together():
    def spread(target):
        return [replace(target, base_url=url) for url in ("x", "y", "z")] if target.model == "a/1" else (target,)

    routes = table({"fast": ["a/1", "b/1"]})
    plans = [routes.plan("fast", spread) for _ in range(1500)]
    first = Counter(plan[0].base_url for plan in plans)
    assert all(400 < first[url] < 600 for url in "xyz")
    assert all(plan[3].model == "b/1" for plan in plans)
    assert {target.base_url for target in routes.plan("a/1", spread)} == set("xyz")


def test_the_first_model_is_that_of_the_settings_whatever_the_strategy():
    settings = {"all": ["fast", "slow/1"], "fast": {"models": [{"model": "a/1", "weight": 1}, {"model": "b/1"}]}}
    assert table(settings).first("all") == "a/1"
    assert table(settings).first("other/1") == "other/1"


def test_equal_luck_is_no_trouble():
    settings = {"fast": {"models": [{"model": "a/1", "weight": 0.001}, {"model": "b/1", "weight": 9}]}}
    assert len(table(settings, luck=cycle([0.0, 0.999]).__next__).plan("fast")) == 2


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"fast": 7}, "routes.fast"),
        ({"fast": []}, "routes.fast"),
        ({"fast": [7]}, "routes.fast"),
        ({"fast": {"models": []}}, "routes.fast.models"),
        ({"fast": {"model": "a/1"}}, "routes.fast"),
        ({"fast": {"models": "a/1", "strategy": "best"}}, "strategy"),
        ({"fast": {"models": [{"model": "a/1", "weight": 0}]}}, "weight"),
        ({"fast": {"models": [{"model": "a/1", "weight": True}]}}, "weight"),
        ({"fast": {"models": [{"model": "a/1", "key": 1}]}}, "key"),
        ({"fast": {"models": "a/1", "fallbacks": 3}}, "routes.fast.fallbacks"),
        ({"a": "b", "b": "a"}, "circles"),
        ({"a": {"models": "x/1", "fallbacks": "b"}, "b": ["y/1", "a"]}, "circles"),
        ({"fast": {"models": "a/1", "fallback_statuses": 404}}, "fallback_statuses"),
        ({"fast": {"models": "a/1", "fallback_statuses": [200]}}, "fallback_statuses"),
    ],
)
def test_wrong_settings_are_named(settings, named):
    with pytest.raises(SettingsError, match=named):
        parse_routes(settings)
