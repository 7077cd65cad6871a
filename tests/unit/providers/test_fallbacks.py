from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from recollect.errors import AuthenticationError, UpstreamConnectError, UpstreamTimeoutError
from recollect.providers.fallbacks import FallbackSender, attempts_text
from recollect.providers.health import Health, HealthPolicy
from recollect.providers.retries import RetryPolicy
from recollect.providers.routes import Target
from tests.unit.providers.fakes import REQUEST, BrokenReply, Clock, FakeUpstream, read

ONE, TWO = Target("a/1"), Target("b/2")


async def build(target):
    return replace(REQUEST, url=f"https://{target.model}")


def sender(*outcomes, tries=1):
    clock = Clock()
    fake = FakeUpstream(*outcomes)
    health = Health(HealthPolicy(failures=1, cooldown_s=5), clock)
    return FallbackSender(fake, health, RetryPolicy(tries=tries, base_s=0.0), clock=clock), fake, health


async def test_the_first_that_answers_is_the_only_one_asked():
    made, fake, health = sender((200,))
    answered = await made.send([ONE, TWO], build)
    assert (answered.reply.status, answered.target) == (200, ONE)
    assert [request.url for request in fake.requests] == ["https://a/1"]
    assert health.latency_s(ONE) is not None


@pytest.mark.parametrize(
    "failure", [(429,), (500,), (401,), (404,), UpstreamConnectError("x"), BrokenReply(200, (), [])]
)
async def test_a_failure_leads_to_the_next(failure):
    made, fake, _ = sender(failure, (200,))
    answered = await made.send([ONE, TWO], build)
    assert answered.target == TWO
    assert await read(answered.reply) == b"body"
    assert [request.url for request in fake.requests] == ["https://a/1", "https://b/2"]
    assert [attempt.target for attempt in answered.attempts] == [ONE, TWO]


async def test_what_was_tried_can_be_told():
    made, _, _ = sender((429,), (200,))
    assert attempts_text((await made.send([ONE, TWO], build)).attempts) == "a/1=429, b/2=200"


@pytest.mark.parametrize("status", [200, 400, 413, 422])
async def test_what_would_fail_anywhere_is_no_reason_to_go_on(status):
    made, fake, _ = sender((status,))
    assert (await made.send([ONE, TWO], build)).reply.status == status
    assert len(fake.requests) == 1


async def test_the_last_is_tried_again():
    made, fake, _ = sender((500,), (500,), (200,), tries=2)
    assert (await made.send([ONE, TWO], build)).reply.status == 200
    assert [request.url for request in fake.requests] == ["https://a/1", "https://b/2", "https://b/2"]


async def test_the_last_failure_is_handed_on():
    made, _, _ = sender(UpstreamTimeoutError("x"), (503, (), b"busy"))
    answered = await made.send([ONE, TWO], build)
    assert (answered.reply.status, await read(answered.reply)) == (503, b"busy")
    assert attempts_text(answered.attempts) == "a/1=upstream_timeout, b/2=503"


async def test_the_last_error_is_raised_and_tells_what_was_tried():
    made, _, _ = sender((500,), UpstreamConnectError("down"))
    with pytest.raises(UpstreamConnectError) as caught:
        await made.send([ONE, TWO], build)
    assert caught.value.__notes__ == ["a/1=500, b/2=upstream_unreachable"]


async def test_a_target_without_a_key_is_passed_over():
    async def build_or_refuse(target):
        if target == ONE:
            message = "no key"
            raise AuthenticationError(message, code="missing_provider_key")
        return await build(target)

    made, _, health = sender((200,))
    answered = await made.send([ONE, TWO], build_or_refuse)
    assert attempts_text(answered.attempts) == "a/1=missing_provider_key, b/2=200"
    assert health.is_available(ONE)


@pytest.mark.parametrize(
    ("failure", "rests"), [((500,), True), (UpstreamConnectError("x"), True), ((401,), False), ((400,), False)]
)
async def test_only_failures_of_the_place_make_it_rest(failure, rests):
    made, _, health = sender(failure, (200,))
    await made.send([ONE, TWO], build)
    assert health.is_available(ONE) is not rests


async def test_a_client_that_leaves_blames_nobody():
    made, _, health = sender(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await made.send([ONE], build)
    assert health.is_available(ONE)


async def test_an_empty_plan_is_a_mistake():
    made, _, _ = sender()
    with pytest.raises(ValueError, match="at least one"):
        await made.send([], build)
