from __future__ import annotations

import asyncio

import pytest

from recollect.errors import AuthenticationError, InvalidRequestError, UpstreamConnectError, UpstreamTimeoutError
from recollect.providers.base import Route
from recollect.providers.fallbacks import FallbackSender, attempts_text
from recollect.providers.health import Health, HealthPolicy
from recollect.providers.retries import RetryingUpstream, RetryPolicy
from recollect.providers.router import Plan, Way
from recollect.providers.routes import Target
from tests.unit.providers.fakes import REQUEST, BrokenReply, Clock, FakeUpstream, read

ONE, TWO = Target("a/1"), Target("b/2")


def plan(*targets, statuses=None, without_key=()):
    ways = [
        Way(target.model, target, None, AuthenticationError("no key", code="missing_provider_key"))
        if target in without_key
        else Way(target.model, target, Route(None, f"https://{target.model}", None))
        for target in targets
    ]
    return Plan(tuple(ways), statuses)


BOTH = plan(ONE, TWO)


def build(route):
    return REQUEST._replace(url=route.url)


class Sending:
    """A sender, and what came of it."""

    def __init__(self, *outcomes, tries=1):
        self.clock = Clock()
        self.fake = FakeUpstream(*outcomes)
        self.health = Health(HealthPolicy(failures=1, cooldown_s=5), self.clock)
        policy = RetryPolicy(tries=tries, base_s=0.0)
        retrying = RetryingUpstream(self.fake, policy, sleep=self.clock.sleep, clock=self.clock)
        self.sender = FallbackSender(retrying, self.health)
        self.attempts = []

    async def send(self, asked=BOTH, build=build):
        reply, self.way = await self.sender.send(asked, build, self.attempts)
        return reply

    @property
    def urls(self):
        return [request.url for request in self.fake.requests]

    @property
    def text(self):
        return attempts_text(self.attempts)


async def test_the_first_that_answers_is_the_only_one_asked():
    sending = Sending((200,))
    assert (await sending.send()).status == 200
    assert sending.way.target == ONE
    assert sending.urls == ["https://a/1"]
    assert sending.health.latency_s(ONE) is not None


@pytest.mark.parametrize(
    "failure", [(429,), (500,), (401,), (404,), UpstreamConnectError("x"), BrokenReply(200, (), [])]
)
async def test_a_failure_leads_to_the_next(failure):
    sending = Sending(failure, (200,))
    assert await read(await sending.send()) == b"body"
    assert sending.way.target == TWO
    assert sending.urls == ["https://a/1", "https://b/2"]


async def test_what_was_tried_can_be_told():
    sending = Sending((429,), (200,))
    await sending.send()
    assert sending.text == "a/1=429, b/2=200"


@pytest.mark.parametrize("status", [200, 400, 413, 422])
async def test_what_would_fail_anywhere_is_no_reason_to_go_on(status):
    sending = Sending((status,))
    assert (await sending.send()).status == status
    assert len(sending.urls) == 1


@pytest.mark.parametrize(("statuses", "asked"), [({400}, 2), (set(), 1)])
async def test_a_route_may_say_which_refusals_lead_on(statuses, asked):
    sending = Sending((400,), (200,))
    await sending.send(plan(ONE, TWO, statuses=frozenset(statuses)))
    assert len(sending.urls) == asked


async def test_the_last_is_tried_again_and_each_try_is_told():
    sending = Sending((500,), (500,), (200,), tries=2)
    assert (await sending.send()).status == 200
    assert sending.urls == ["https://a/1", "https://b/2", "https://b/2"]
    assert sending.text == "a/1=500, b/2=500, b/2=200"


async def test_the_only_one_is_tried_again_and_never_rests():
    sending = Sending((500,), (500,), (500,), tries=3)
    reply = await sending.send(plan(ONE))
    assert dict(reply.headers)[b"x-should-retry"] == b"false"
    assert sending.text == "a/1=500, a/1=500, a/1=500"
    assert sending.health.is_available(ONE)


async def test_the_last_failure_is_handed_on_and_says_that_it_was_tried_enough():
    sending = Sending(UpstreamTimeoutError("x"), (503, (), b"busy"))
    reply = await sending.send()
    assert (reply.status, await read(reply)) == (503, b"busy")
    assert dict(reply.headers) == {b"retry-after": b"8", b"x-should-retry": b"false"}
    assert sending.text == "a/1=upstream_timeout, b/2=503"


async def test_the_last_error_is_raised_and_what_was_tried_is_known():
    sending = Sending((500,), UpstreamConnectError("down"))
    with pytest.raises(UpstreamConnectError):
        await sending.send()
    assert sending.text == "a/1=500, b/2=upstream_unreachable"


async def test_a_target_without_a_key_is_passed_over():
    sending = Sending((200,))
    assert (await sending.send(plan(ONE, TWO, without_key=[ONE]))).status == 200
    assert sending.text == "a/1=missing_provider_key, b/2=200"
    assert sending.health.is_available(ONE)


async def test_a_target_without_a_key_is_never_the_last_word():
    sending = Sending((500,), (500,), tries=2)
    assert (await sending.send(plan(ONE, TWO, without_key=[TWO]))).status == 500
    assert sending.text == "a/1=500, a/1=500"


async def test_what_one_dialect_cannot_say_is_asked_elsewhere():
    sending = Sending(InvalidRequestError("cannot be said"), (200,))
    assert (await sending.send()).status == 200
    assert sending.text == "a/1=invalid_request, b/2=200"


@pytest.mark.parametrize(
    ("failure", "rests"), [((500,), True), (UpstreamConnectError("x"), True), ((401,), False), ((400,), False)]
)
async def test_only_failures_of_the_place_make_it_rest(failure, rests):
    sending = Sending(failure, (200,))
    await sending.send()
    assert sending.health.is_available(ONE) is not rests


async def test_a_client_that_leaves_blames_nobody():
    sending = Sending(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await sending.send()
    assert sending.health.is_available(ONE)


async def test_a_long_story_is_told_short():
    sending = Sending(*[(500,)] * 20, tries=20)
    await sending.send(plan(ONE))
    assert sending.text.count("=500") == 12


async def test_a_plan_without_any_way_is_a_mistake():
    sending = Sending()
    with pytest.raises(ValueError, match="empty"):
        await sending.send(plan(ONE, without_key=[ONE]))
