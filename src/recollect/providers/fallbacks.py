"""One request, several places that could answer it: the next one where one fails before its first byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from recollect.domain.requests import Attempt
from recollect.errors import RequestError
from recollect.providers.retries import (
    UPSTREAM_ERRORS,
    RetryingUpstream,
    is_worth_retrying,
    retry_after_s,
    spent,
    with_first_byte,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recollect.providers.base import Route, Upstream, UpstreamReply, UpstreamRequest
    from recollect.providers.health import Health
    from recollect.providers.router import Plan, Way

FALLBACK_STATUSES = frozenset({401, 402, 403, 404})
"""Where the same place will not do better, but another may: its key, its credit or its list of models is at fault."""
MOST_TOLD = 12
"""Attempts in the text of a header."""


@dataclass(frozen=True, slots=True)
class FallbackSender:
    """Tries the ways of a plan in turn; the last of them is retried by the policy before it is given up.

    Failures are those worth retrying and ``statuses``, unless the plan has its own. Why a way cannot be asked (no key,
    a request that its dialect cannot say) is a failure of that way alone. The health of places matters, and is kept,
    only where there is a choice: the only one is never let rest.
    """

    retrying: RetryingUpstream
    health: Health
    statuses: frozenset[int] = FALLBACK_STATUSES

    def over(self, upstream: Upstream) -> FallbackSender:
        """The same rules for another way out."""
        return replace(self, retrying=replace(self.retrying, upstream=upstream))

    async def send(
        self, plan: Plan, build: Callable[[Route], UpstreamRequest], attempts: list[Attempt]
    ) -> tuple[UpstreamReply, Way]:
        """The first reply that is no failure, else the last failure, and whose it is; or the last one's exception.

        ``build`` makes the request for a route: its credentials and the spelling of the model. ``attempts`` is filled
        as they are made, also where an exception ends them.
        """
        ways = plan.ways
        if len(ways) == 1 and ways[0].route is not None:
            noted = partial(_note, attempts, ways[0])
            return await self.retrying.send(build(ways[0].route), noted), ways[0]
        statuses = self.statuses if plan.statuses is None else plan.statuses
        last = max(index for index, way in enumerate(ways) if way.route is not None)
        for way in ways[:last]:
            reply = await self._try(way, build, attempts, statuses)
            if reply is not None:
                return reply, way
        return await self._insist(ways[last], build, attempts), ways[last]

    async def _try(
        self,
        way: Way,
        build: Callable[[Route], UpstreamRequest],
        attempts: list[Attempt],
        statuses: frozenset[int],
    ) -> UpstreamReply | None:
        """One try at one of several ways: its reply, None where the next one is to be tried."""
        if way.route is None:
            _note(attempts, way, way.error.code if way.error else "", 0.0)
            return None
        clock, health = self.retrying.clock, self.health
        started = clock()
        health.begin(way.target)
        try:
            reply = await self.retrying.upstream.send(build(way.route))
            is_spent = is_worth_retrying(reply)
            is_failure = is_spent or reply.status in statuses
            if not is_failure:
                reply = await with_first_byte(reply)
        except UPSTREAM_ERRORS as error:
            health.failed(way.target)
            _note(attempts, way, error.code, clock() - started)
            return None
        except RequestError as error:
            health.abandoned(way.target)
            _note(attempts, way, error.code, clock() - started)
            return None
        except BaseException:
            health.abandoned(way.target)
            raise
        _note(attempts, way, str(reply.status), clock() - started)
        self._judge(way, reply, None if is_failure else clock() - started)
        if not is_failure:
            return reply
        await reply.close()
        return None

    async def _insist(
        self, way: Way, build: Callable[[Route], UpstreamRequest], attempts: list[Attempt]
    ) -> UpstreamReply:
        """The last way: with the policy's tries, and whatever comes of it is the answer."""
        if way.route is None:
            message = "a plan has a way with a route"
            raise ValueError(message)
        started = self.retrying.clock()
        self.health.begin(way.target)
        try:
            reply = await self.retrying.send(build(way.route), partial(_note, attempts, way))
        except UPSTREAM_ERRORS:
            self.health.failed(way.target)
            raise
        except BaseException:
            self.health.abandoned(way.target)
            raise
        is_spent = is_worth_retrying(reply)
        self._judge(way, reply, None if is_spent else self.retrying.clock() - started)
        return spent(reply, self.retrying.policy) if is_spent else reply

    def _judge(self, way: Way, reply: UpstreamReply, latency_s: float | None) -> None:
        """Tell the health of a place what it answered; a refusal says nothing of it."""
        if is_worth_retrying(reply):
            self.health.failed(way.target, retry_after_s(reply.headers))
        elif latency_s is None:
            self.health.abandoned(way.target)
        else:
            self.health.succeeded(way.target, latency_s)


def attempts_text(attempts: Sequence[Attempt]) -> str:
    """What was tried, for the header ``X-Memory-Upstream``: ``groq/llama=429, openai/gpt-4o=200``."""
    told = attempts if len(attempts) <= MOST_TOLD else (*attempts[: MOST_TOLD - 1], attempts[-1])
    return ", ".join([f"{attempt.name}={attempt.outcome}" for attempt in told])


def _note(attempts: list[Attempt], way: Way, outcome: str, took_s: float) -> None:
    attempts.append(Attempt(way.name, outcome, took_s * 1000))
