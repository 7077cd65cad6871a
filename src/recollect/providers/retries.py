"""Trying again, before the first byte of a reply and never after it."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from recollect.errors import UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError
from recollect.wire.headers import header_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from recollect.providers.base import Headers, Upstream, UpstreamReply, UpstreamRequest

RETRIED_STATUSES = frozenset({408, 409, 425, 429})
FIRST_ERROR = 400
FIRST_SERVER_ERROR = 500
UPSTREAM_ERRORS = (UpstreamConnectError, UpstreamTimeoutError, UpstreamBrokenError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again, and how long to wait before.

    ``tries`` in all; waits grow from ``base_s`` to ``cap_s`` with full jitter (aws.amazon.com/blogs/architecture,
    "Exponential backoff and jitter"). A ``Retry-After`` is obeyed up to ``longest_retry_after_s``; a longer one is the
    client's to wait for. No try begins later than ``deadline_s`` after the first.
    """

    tries: int = 3
    base_s: float = 0.5
    cap_s: float = 8.0
    longest_retry_after_s: float = 10.0
    deadline_s: float = 60.0

    def wait_s(self, tried: int, retry_after_s: float | None, luck: float) -> float | None:
        """Seconds before the next try, None where there is none; ``luck`` is a random number from 0 to 1."""
        if tried >= self.tries:
            return None
        if retry_after_s is not None:
            return retry_after_s if retry_after_s <= self.longest_retry_after_s else None
        return luck * min(self.cap_s, self.base_s * 2.0 ** (tried - 1))


OnTry = Callable[[str, float], None]


def _unheard(_outcome: str, _took_s: float) -> None:
    pass


@dataclass(frozen=True, slots=True)
class RetryingUpstream:
    """An Upstream that tries again where the policy lets it, and the body can be sent twice.

    A reply is handed on once its first byte is there: one that breaks off before is tried again like a refused
    connection. When the tries are spent the last failure is handed on: an exception, or the provider's reply with
    ``x-should-retry: false`` so that the client's SDK does not multiply the tries, and with a ``Retry-After``.
    ``clock`` is monotonic seconds.
    """

    upstream: Upstream
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    luck: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    async def send(self, request: UpstreamRequest, on_try: OnTry = _unheard) -> UpstreamReply:
        """Send, and wait for the first byte of a reply that is none of the failures to retry.

        ``on_try`` hears of each try: the reply's status or the error's code, and seconds.
        """
        is_repeatable = request.body is None or isinstance(request.body, bytes)
        started = self.clock()
        ends_at = started + self.policy.deadline_s
        tried = 0
        while True:
            tried += 1
            try:
                reply = await self.upstream.send(request)
                is_failure = is_worth_retrying(reply)
                if not is_failure:
                    reply = await with_first_byte(reply)
                on_try(str(reply.status), self.clock() - started)
                if not is_failure:
                    return reply
                wait_s = self._wait_s(tried, retry_after_s(reply.headers), ends_at) if is_repeatable else None
                if wait_s is None:
                    return spent(reply, self.policy) if tried > 1 else reply
                await reply.close()
            except UPSTREAM_ERRORS as error:
                on_try(error.code, self.clock() - started)
                wait_s = self._wait_s(tried, None, ends_at) if is_repeatable else None
                if wait_s is None:
                    raise
            await self.sleep(wait_s)
            started = self.clock()

    async def close(self) -> None:
        """Close the upstream."""
        await self.upstream.close()

    def _wait_s(self, tried: int, hint_s: float | None, ends_at: float) -> float | None:
        wait_s = self.policy.wait_s(tried, hint_s, self.luck())
        return None if wait_s is None or self.clock() + wait_s > ends_at else wait_s


def is_worth_retrying(reply: UpstreamReply) -> bool:
    """Whether the same request may succeed later: the provider's ``x-should-retry``, or else its status."""
    if reply.status < FIRST_ERROR:
        return False
    word = _header(reply.headers, b"x-should-retry").lower()
    if word in {"true", "false"}:
        return word == "true"
    return reply.status in RETRIED_STATUSES or reply.status >= FIRST_SERVER_ERROR


def retry_after_s(headers: Headers, *, now: Callable[[], float] = time.time) -> float | None:
    """What ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date, RFC 9110 10.2.3) says, in seconds."""
    milliseconds = _number(_header(headers, b"retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = _header(headers, b"retry-after")
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now())
    except ValueError:
        return None


async def with_first_byte(reply: UpstreamReply) -> UpstreamReply:
    """The same reply, once its first bytes are there; raises UpstreamBrokenError where they do not come."""
    chunks = reply.chunks()
    try:
        first = await anext(chunks, b"")
    except BaseException:
        await reply.close()
        raise
    return _PeekedReply(reply, first, chunks)


class _PeekedReply:
    """A reply whose first chunk has been read already. It is its own iterator: nothing stands between the rest of the
    chunks and their reader."""

    __slots__ = ("_first", "_reply", "_rest", "headers", "status")

    def __init__(
        self, reply: UpstreamReply, first: bytes, rest: AsyncIterator[bytes], headers: Headers | None = None
    ) -> None:
        self.status = reply.status
        self.headers = reply.headers if headers is None else headers
        self._reply = reply
        self._first = first
        self._rest = rest

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    def __anext__(self) -> Awaitable[bytes]:
        return self._take_first() if self._first else anext(self._rest)

    async def _take_first(self) -> bytes:
        first, self._first = self._first, b""
        return first

    async def close(self) -> None:
        await self._reply.close()


def spent(reply: UpstreamReply, policy: RetryPolicy) -> UpstreamReply:
    """The last failure, telling the client that it was tried often enough, and when to come again."""
    has_hint = bool(_header(reply.headers, b"retry-after") or _header(reply.headers, b"retry-after-ms"))
    kept = tuple(field for field in reply.headers if field[0] != b"x-should-retry")
    added = tuple(field for field in spent_headers(policy) if not (has_hint and field[0] == b"retry-after"))
    return _PeekedReply(reply, b"", reply.chunks(), (*kept, *added))


def spent_headers(policy: RetryPolicy) -> Headers:
    """What an answer says after so many tries: that the client need not multiply them, and when to come again."""
    return ((b"retry-after", str(math.ceil(policy.cap_s)).encode()), (b"x-should-retry", b"false"))


def _header(headers: Headers, name: bytes) -> str:
    return header_of(headers, name).strip()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
