from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from recollect.domain.requests import Attempt, RequestRecord
from recollect.domain.usage import Cost, Usage
from recollect.server.counters import MOST_VALUES, MOST_WAITING, Counters
from recollect.server.exposition import Gauge, exposition

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def record(**fields):
    given = {"stage_ms": {"authenticate": 0.2, "forward": 120.0}, "status": 200, "provider": "openai", "model": "m"}
    return RequestRecord("req_1", NOW, 130.0, "POST", "chat/completions", **{**given, **fields})


def families(counters, state=()):
    body, _ = exposition(counters, state)
    return {one.name: one for one in text_string_to_metric_families(body.decode())}


def values(family):
    return {tuple(value for _, value in sorted(one.labels.items())): one.value for one in family.samples}


@pytest.fixture
def counters():
    return Counters()


def test_an_exchange_is_counted_by_provider_model_and_status(counters):
    counters.exchanged(record())
    counters.exchanged(record(status=503, error="upstream_unreachable"))
    found = families(counters)
    assert values(found["recollect_exchanges"]) == {("m", "openai", "200"): 1, ("m", "openai", "503"): 1}
    assert values(found["recollect_errors"]) == {("upstream_unreachable",): 1}


def test_many_exchanges_are_counted_without_being_read_and_once(counters):
    for _ in range(MOST_WAITING + 1):
        counters.exchanged(record())
    assert counters.exchanges_by.total() == MOST_WAITING
    for _ in range(2):
        counts = values(families(counters)["recollect_exchanges"])
        assert counts == {("m", "openai", "200"): MOST_WAITING + 1}


def test_every_family_says_what_it_is(counters):
    counters.exchanged(record())
    found = families(counters, [Gauge("recollect_spooled", "Captures that wait.", 3)])
    ours = [one for one in found.values() if one.name.startswith("recollect_")]
    assert len(ours) > 15
    assert [one.name for one in ours if not one.documentation or one.type == "unknown"] == []


def test_stages_are_a_histogram_in_seconds(counters):
    counters.exchanged(record())
    family = families(counters)["recollect_stage_duration_seconds"]
    assert family.type == "histogram"
    buckets = {
        one.labels["le"]: one.value
        for one in family.samples
        if one.name.endswith("_bucket") and one.labels["stage"] == "forward"
    }
    assert (buckets["0.1"], buckets["0.25"], buckets["+Inf"]) == (0, 1, 1)
    sums = {one.labels["stage"]: one.value for one in family.samples if one.name.endswith("_sum")}
    assert sums == {"authenticate": pytest.approx(0.0002), "forward": pytest.approx(0.12)}


def test_tokens_money_and_tries(counters):
    cost = Cost("openai", "m", Usage(100, 7, cached_tokens=64), 2_500_000)
    tries = (Attempt("groq", "429", 3.0), Attempt("openai", "200", 80.0))
    counters.exchanged(record(cost=cost, attempts=tries, cache="miss"))
    counters.exchanged(record(cost=Cost("openai", "m", Usage(1, 1), None), cache="hit"))
    found = families(counters)
    assert values(found["recollect_tokens"]) == {
        ("input", "m", "openai"): 101,
        ("cached", "m", "openai"): 64,
        ("output", "m", "openai"): 8,
    }
    assert values(found["recollect_cost_usd"]) == {("m", "openai"): 0.0025}
    assert values(found["recollect_upstream_attempts"]) == {("429", "groq"): 1, ("200", "openai"): 1}
    assert values(found["recollect_response_cache"]) == {("hit",): 1, ("miss",): 1}


def test_what_memory_did(counters):
    injected = {"memory": "injected", "mode": "full", "memories": ("msg_1", "msg_2"), "memory_tokens": 40}
    counters.exchanged(record(**injected, stored="yes"))
    counters.exchanged(record(**{**injected, "memory": "shadow"}, stored="spooled"))
    found = families(counters)
    assert values(found["recollect_injected_tokens"]) == {(): 40}
    assert values(found["recollect_injected_memories"]) == {(): 2}
    assert values(found["recollect_captures"]) == {("yes",): 1, ("spooled",): 1}


def test_clients_cannot_make_up_any_number_of_labels(counters):
    counters.exchanged(record(model="made up", status=404))
    for number in range(MOST_VALUES + 5):
        counters.exchanged(record(model=f"m{number}"))
    found = values(families(counters)["recollect_exchanges"])
    assert found["other", "openai", "404"] == 1
    assert found["other", "openai", "200"] == 5
    assert len({model for model, *_ in found}) == MOST_VALUES + 1


def test_names_are_written_so_that_they_can_be_read_again(counters):
    counters.exchanged(record(model='a "b"\n\\c'))
    assert ('a "b"\n\\c', "openai", "200") in values(families(counters)["recollect_exchanges"])


def test_a_url_in_forward_style_and_a_request_that_went_nowhere(counters):
    counters.exchanged(record(provider=None))
    counters.exchanged(record(provider=None, stage_ms={"authenticate": 1.0}, status=401, model=None))
    found = values(families(counters)["recollect_exchanges"])
    assert found == {("m", "forward", "200"): 1, ("unknown", "unknown", "401"): 1}


def test_gauges_with_a_label(counters):
    gauge = Gauge("recollect_upstream_up", "Whether it is used.", label="upstream", samples={"a": 1, "b": 0})
    assert values(families(counters, [gauge])["recollect_upstream_up"]) == {("a",): 1, ("b",): 0}
