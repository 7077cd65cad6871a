"""An upstream without a network, and a clock without time."""

from __future__ import annotations

from recollect.errors import UpstreamBrokenError
from recollect.providers.base import UpstreamRequest
from recollect.providers.in_memory_reply import InMemoryReply

REQUEST = UpstreamRequest("POST", "https://p.example/v1/x", ((b"idempotency-key", b"k1"),), b"{}")


class Clock:
    """Sleeping moves it on; what was slept is kept."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class BrokenReply(InMemoryReply):
    """Ends too early, after the pieces it has."""

    async def chunks(self):
        async for piece in super().chunks():
            yield piece
        message = "cut"
        raise UpstreamBrokenError(message)


class FakeUpstream:
    """Gives the outcomes in turn: replies, statuses with headers, exceptions, or functions of the request."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.requests = []
        self.replies = []
        self.is_closed = False

    async def send(self, request):
        self.requests.append(request)
        outcome = self.outcomes.pop(0)
        if callable(outcome):
            outcome = outcome(request)
        if isinstance(outcome, BaseException):
            raise outcome
        self.replies.append(reply(*outcome) if isinstance(outcome, tuple) else outcome)
        return self.replies[-1]

    async def close(self):
        self.is_closed = True


def reply(status, headers=(), body=b"body"):
    return InMemoryReply(status, tuple(headers), [body] if body else [])


async def read(answer):
    return b"".join([chunk async for chunk in answer.chunks()])
