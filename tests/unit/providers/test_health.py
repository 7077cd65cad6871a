from __future__ import annotations

import pytest

from recollect.providers.health import MAX_PLACES, Health, HealthPolicy
from tests.unit.providers.fakes import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(HealthPolicy(failures=3, cooldown_s=5, cap_s=15), clock)


def test_a_place_nobody_knows_is_available(health):
    assert health.is_available("a")
    assert health.latency_s("a") is None


def test_failures_in_a_row_make_it_rest(health, clock):
    for _ in range(2):
        health.failed("a")
    assert health.is_available("a")
    health.failed("a")
    assert not health.is_available("a")
    assert health.is_available("b")
    clock.now += 5
    assert health.is_available("a")


def test_a_success_between_starts_the_count_anew(health):
    health.failed("a")
    health.failed("a")
    health.succeeded("a", 1)
    health.failed("a")
    health.failed("a")
    assert health.is_available("a")


def test_after_the_rest_one_request_is_on_trial(health, clock):
    for _ in range(3):
        health.failed("a")
    clock.now += 5
    health.begin("a")
    assert not health.is_available("a")
    health.succeeded("a", 1)
    assert health.is_available("a")


def test_a_failed_trial_rests_longer_up_to_a_cap(health, clock):
    for _ in range(3):
        health.failed("a")
    for rest in (10, 15, 15):
        clock.now += 15
        health.begin("a")
        health.failed("a")
        clock.now += rest - 0.1
        assert not health.is_available("a")
        clock.now += 0.1
        assert health.is_available("a")


def test_an_abandoned_trial_is_the_next_ones(health, clock):
    for _ in range(3):
        health.failed("a")
    clock.now += 5
    health.begin("a")
    health.abandoned("a")
    assert health.is_available("a")


def test_retry_after_rests_at_once(health, clock):
    health.failed("a", 2.0)
    assert not health.is_available("a")
    clock.now += 2
    assert health.is_available("a")


def test_latency_is_a_moving_average(health):
    health.succeeded("a", 1.0)
    health.succeeded("a", 2.0)
    assert health.latency_s("a") == pytest.approx(1.3)


def test_what_is_kept_is_bounded(health):
    for number in range(MAX_PLACES + 1):
        health.succeeded(number, 1.0)
    assert health.latency_s(0) is None
    assert health.latency_s(1) == health.latency_s(MAX_PLACES) == 1.0
