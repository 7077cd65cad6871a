"""Replies kept for requests that are the same to the last byte."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.providers.in_memory_reply import InMemoryReply
from recollect.wire.dialects import dialect_of_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from recollect.providers.base import Headers, UpstreamReply, UpstreamRequest

OK = 200
LARGEST_SHARE = 8
"""No single reply takes more than this part of the cache."""
ENTRY_OVERHEAD_BYTES = 512
IGNORED_REQUEST_HEADERS = frozenset(
    {
        b"user-agent",
        b"traceparent",
        b"tracestate",
        b"baggage",
        b"sentry-trace",
        b"idempotency-key",
        b"x-request-id",
        b"cache-control",
    }
)
"""What differs from one try to the next, and not in what is asked. ``x-stainless-*`` and ``x-client-*`` too."""
EMBEDDINGS = "/embeddings"
CHANGES_STATE = (b'"conversation"', b'"background"')
"""Members of a request to ``/responses`` that leave something behind at the provider: it is always asked."""
_IGNORED_PREFIXES = (b"x-stainless-", b"x-client-")
_NOT_KEPT = frozenset({b"set-cookie", b"date", b"age"})


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long a reply is good, and how much is kept in all."""

    ttl_s: float = 3600.0
    max_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Entry:
    status: int
    headers: Headers
    pieces: tuple[bytes, ...]
    size: int
    kept_at: float


class ResponseCache:
    """Keeps replies in memory, the least recently used going first. ``clock`` is monotonic seconds.

    Use: ``find``, and where that gives None, ``record`` the provider's reply, relay the recording, and ``keep`` it once
    it is known to be whole and no error. Requests of different projects never meet.
    """

    def __init__(self, policy: CachePolicy | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty."""
        self._policy = policy or CachePolicy()
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._size = 0

    def find(self, project: str, request: UpstreamRequest) -> UpstreamReply | None:
        """The reply that is kept for such a request, its age in a header; None where there is none."""
        key = cache_key(project, request)
        entry = self._entries.get(key) if key is not None else None
        if key is None or entry is None:
            return None
        age_s = self._clock() - entry.kept_at
        if age_s > self._policy.ttl_s:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return InMemoryReply(entry.status, (*entry.headers, (b"age", str(int(age_s)).encode())), entry.pieces)

    def record(self, project: str, request: UpstreamRequest, reply: UpstreamReply) -> RecordedReply:
        """The same reply, listening to itself."""
        key = cache_key(project, request) if reply.status == OK else None
        return RecordedReply(self, key, reply, self._policy.max_bytes // LARGEST_SHARE)

    @property
    def entries(self) -> int:
        """How many replies are kept."""
        return len(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._size = 0

    @property
    def size_bytes(self) -> int:
        """What is kept, roughly."""
        return self._size

    def put(self, key: bytes, status: int, headers: Headers, pieces: tuple[bytes, ...]) -> None:
        """Keep a reply, and drop what then is too much."""
        if key in self._entries:
            self._drop(key)
        fields = tuple(field for field in headers if field[0] not in _NOT_KEPT)
        size = ENTRY_OVERHEAD_BYTES + sum(map(len, pieces)) + sum(len(name) + len(value) for name, value in fields)
        self._entries[key] = _Entry(status, fields, pieces, size, self._clock())
        self._size += size
        while self._size > self._policy.max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        self._size -= self._entries.pop(key).size


class RecordedReply:
    """A reply that remembers its bytes as they pass, up to a limit."""

    def __init__(self, cache: ResponseCache, key: bytes | None, reply: UpstreamReply, limit: int) -> None:
        """``key`` None: nothing is remembered."""
        self.status = reply.status
        self.headers = reply.headers
        self._cache = cache
        self._key = key
        self._reply = reply
        self._left = limit
        self._pieces: list[bytes] = []
        self._missing = _declared_length(reply.headers)
        self.is_whole = False
        """All of it has been read: to its end, or as much as its head announced."""

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """What was read so far, unless it is too much to be kept."""
        return tuple(self._pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The reply's own."""
        async for chunk in self._reply.chunks():
            self._left -= len(chunk)
            self._missing -= len(chunk)
            if self._key is not None and self._left >= 0:
                self._pieces.append(chunk)
            self.is_whole = self._missing == 0
            yield chunk
        self.is_whole = True

    async def close(self) -> None:
        """Close the reply."""
        await self._reply.close()

    def keep(self) -> bool:
        """Put it into the cache; False where it was not read to its end, is too large, or is none to keep."""
        if self._key is None or not self.is_whole or self._left < 0:
            return False
        self._cache.put(self._key, self.status, self.headers, tuple(self._pieces))
        return True


def cache_key(project: str, request: UpstreamRequest) -> bytes | None:
    """What makes two requests the same: the project, and all that is sent. None for what is never kept: anything but
    conversations and embeddings, and what changes the provider's state.

    Credentials are part of it, as a hash like the rest: two keys may not see the same models.
    """
    if request.method != "POST" or not isinstance(request.body, bytes) or not _is_repeatable(request.url, request.body):
        return None
    digest = hashlib.sha256()
    provider = (request.provider or "").encode()
    for part in (project.encode(), provider, request.url.encode(), *_lasting(request.headers), request.body):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


def _is_repeatable(url: str, body: bytes) -> bool:
    dialect = dialect_of_url(url)
    if dialect == "responses":
        return not any(name in body for name in CHANGES_STATE)
    return bool(dialect) or url.partition("?")[0].endswith(EMBEDDINGS)


def _declared_length(headers: Headers) -> int:
    """The ``content-length``; -1 where the end of the body is not known beforehand."""
    text = next((value for name, value in headers if name == b"content-length"), b"")
    return int(text) if text.isdigit() else -1


def _lasting(headers: Headers) -> list[bytes]:
    kept = [name + b":" + value for name, value in headers if name not in IGNORED_REQUEST_HEADERS]
    return sorted(line for line in kept if not line.startswith(_IGNORED_PREFIXES))
