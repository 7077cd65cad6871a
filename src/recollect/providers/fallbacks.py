"""One request, several places that could answer it: the next one where one fails before its first byte."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.errors import ApiError, RequestError
from recollect.providers.retries import (
    UPSTREAM_ERRORS,
    RetryingUpstream,
    RetryPolicy,
    is_worth_retrying,
    retry_after_s,
    with_first_byte,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from recollect.providers.base import Upstream, UpstreamReply, UpstreamRequest
    from recollect.providers.health import Health
    from recollect.providers.routes import Target

FALLBACK_STATUSES = frozenset({401, 402, 403, 404})
"""Where the same place will not do better, but another may: its key, its credit or its list of models is at fault."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One place that was tried. ``outcome`` is the status, or the code of the error."""

    target: Target
    outcome: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply, who gave it, and all that was tried, that one last."""

    reply: UpstreamReply
    target: Target
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class FallbackSender:
    """Tries the targets of a plan in turn; the last of them is retried by the policy before it is given up.

    Failures are those worth retrying and ``statuses``. What a target cannot be asked for (no key, unknown provider) is
    a failure of that target alone. ``clock`` is monotonic seconds.
    """

    upstream: Upstream
    health: Health
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    statuses: frozenset[int] = FALLBACK_STATUSES
    clock: Callable[[], float] = time.monotonic

    async def send(self, plan: Sequence[Target], build: Callable[[Target], Awaitable[UpstreamRequest]]) -> Answered:
        """The first reply that is no failure, else the last failure: a reply, or its exception.

        ``build`` makes the request for a target: its URL, credentials and spelling of the model. An exception has the
        attempts in its ``__notes__``.
        """
        attempts: list[Attempt] = []
        for position, target in enumerate(plan, 1):
            is_last = position == len(plan)
            started = self.clock()
            result = await self._attempt(target, build, is_last=is_last)
            outcome = result.code if isinstance(result, ApiError) else str(result.status)
            attempts.append(Attempt(target, outcome, (self.clock() - started) * 1000))
            if isinstance(result, ApiError):
                if is_last:
                    result.add_note(attempts_text(attempts))
                    raise result
            elif is_last or not self._is_failure(result):
                return Answered(result, target, tuple(attempts))
            else:
                await result.close()
        message = "a plan has at least one target"
        raise ValueError(message)

    async def _attempt(
        self, target: Target, build: Callable[[Target], Awaitable[UpstreamRequest]], *, is_last: bool
    ) -> UpstreamReply | ApiError:
        """The reply or the error, which the target's health has been told of."""
        started = self.clock()
        self.health.begin(target)
        try:
            reply = await self._try(await build(target), is_last=is_last)
        except UPSTREAM_ERRORS as error:
            self.health.failed(target)
            return error
        except RequestError as error:
            self.health.abandoned(target)
            return error
        except BaseException:
            self.health.abandoned(target)
            raise
        if is_worth_retrying(reply):
            self.health.failed(target, retry_after_s(reply.headers))
        elif self._is_failure(reply):
            self.health.abandoned(target)
        else:
            self.health.succeeded(target, self.clock() - started)
        return reply

    async def _try(self, request: UpstreamRequest, *, is_last: bool) -> UpstreamReply:
        if is_last:
            return await RetryingUpstream(self.upstream, self.policy).send(request)
        reply = await self.upstream.send(request)
        return reply if self._is_failure(reply) else await with_first_byte(reply)

    def _is_failure(self, reply: UpstreamReply) -> bool:
        return reply.status in self.statuses or is_worth_retrying(reply)


def attempts_text(attempts: Sequence[Attempt]) -> str:
    """What was tried, for the header ``X-Memory-Upstream``: ``groq/llama=429, openai/gpt-4o=200``."""
    return ", ".join(f"{attempt.target.model}={attempt.outcome}" for attempt in attempts)
