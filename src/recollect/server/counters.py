"""What the gateway has done since it started: counts of one process, never with the name of a user.

Counting is on the path of every request and costs a few additions; ``exposition`` makes metrics of it when asked.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recollect.domain.requests import RequestRecord
    from recollect.domain.usage import Cost
    from recollect.server.reply import AsgiReply

REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
STAGE_BUCKETS_S = (0.0005, 0.001, 0.0025, *REQUEST_BUCKETS_S)
MOST_VALUES = 200
MOST_WAITING = 64
OTHER = "other"
"""What stands for every further value of a label that clients may choose."""
UNKNOWN = "unknown"
FORWARDED = "forward"
"""The provider of a request in forward style."""


class Histogram:
    """How often a duration fell into each bucket; the last one is without bound."""

    __slots__ = ("bounds", "counts", "sum_s")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Begin at zero."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Note one duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum_s += seconds


class BoundedNames:
    """The values of a label that clients choose: the first ones that are worth it keep their names."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        """Know none."""
        self._most = most
        self._known: set[str] = set()

    def name(self, value: str | None, *, is_proven: bool) -> str:
        """The value, ``other`` beyond the bound, ``unknown`` for none. ``is_proven``: it may take a place, because a
        provider knows it, too."""
        if not value:
            return UNKNOWN
        if value in self._known:
            return value
        if not is_proven or len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value


class Counters:
    """Counts of one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.started_at = time.time()
        self.in_flight = 0
        self.disconnects = 0
        self.bytes_sent = 0
        self.answered_by: Counter[tuple[str, int]] = Counter()
        self.memory_by: Counter[str] = Counter()
        self.durations: defaultdict[str, Histogram] = defaultdict(partial(Histogram, REQUEST_BUCKETS_S))
        self.exchanges_by: Counter[tuple[str, str, int]] = Counter()
        self.stages: defaultdict[str, Histogram] = defaultdict(partial(Histogram, STAGE_BUCKETS_S))
        self.errors_by: Counter[str] = Counter()
        self.stored_by: Counter[str] = Counter()
        self.cached_by: Counter[str] = Counter()
        self.tokens_by: Counter[tuple[str, str, str]] = Counter()
        self.nano_usd_by: Counter[tuple[str, str]] = Counter()
        self.attempts_by: Counter[tuple[str, str]] = Counter()
        self.injected_memories = 0
        self.injected_tokens = 0
        self._models = BoundedNames()
        self._upstreams = BoundedNames()
        self._records: list[RequestRecord] = []

    def answered(self, surface: str, reply: AsgiReply, took_s: float) -> None:
        """Note one reply; its status is 0 where the client left before the head."""
        self.answered_by[surface, reply.status] += 1
        self.bytes_sent += reply.bytes_sent
        self.durations[surface].add(took_s)
        if reply.memory_status:
            self.memory_by[reply.memory_status.decode("latin-1")] += 1

    def exchanged(self, record: RequestRecord) -> None:
        """Note one exchange. It is in the counts from the next :meth:`fold` on: many at once take half the time."""
        self._records.append(record)
        if len(self._records) >= MOST_WAITING:
            self.fold()

    def fold(self) -> None:
        """Count what has been noted; to be called before anything is read."""
        records, self._records = self._records, []
        for record in records:
            self._count(record)

    def _count(self, record: RequestRecord) -> None:
        provider = record.provider or (FORWARDED if record.stage_ms.get("forward") is not None else UNKNOWN)
        model = self._models.name(record.model, is_proven=record.is_success)
        self.exchanges_by[provider, model, record.status] += 1
        for stage, took_ms in record.stage_ms.items():
            self.stages[stage].add(took_ms / 1000)
        if record.error is not None:
            self.errors_by[record.error] += 1
        if record.mode != "off":
            self.stored_by[record.stored] += 1
        if record.cache is not None:
            self.cached_by[record.cache] += 1
        if record.memory_tokens and record.memory == "injected":
            self.injected_memories += len(record.memories)
            self.injected_tokens += record.memory_tokens
        for attempt in record.attempts:
            self.attempts_by[self._upstreams.name(attempt.name, is_proven=True), attempt.outcome] += 1
        if record.cost is not None:
            self._charged(provider, model, record.cost)

    def _charged(self, provider: str, model: str, cost: Cost) -> None:
        usage = cost.usage
        self.tokens_by[provider, model, "input"] += usage.input_tokens
        self.tokens_by[provider, model, "cached"] += usage.cached_tokens
        self.tokens_by[provider, model, "output"] += usage.output_tokens
        if cost.nano_usd is not None:
            self.nano_usd_by[provider, model] += cost.nano_usd
