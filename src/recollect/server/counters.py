"""What the gateway has done since it started, as ``/metrics`` tells it: counts, never names of users.

Written in Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats). Each server process
counts for itself.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from recollect.server.reply import AsgiReply

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
CONTENT_TYPE = "text/plain; version=0.0.4"


@dataclass(slots=True)
class Histogram:
    """How often a duration fell into each bucket; the last one is without bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Note one duration."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is looked up when it is asked for."""

    name: str
    text: str
    value: float


class Counters:
    """Counts of one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._answered: Counter[tuple[str, int]] = Counter()
        self._memory: Counter[str] = Counter()
        self._durations: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._started_at = time.time()
        self._bytes_sent = 0
        self.in_flight = 0
        self.disconnects = 0

    def answered(self, surface: str, reply: AsgiReply, took_s: float) -> None:
        """Note one reply; its status is 0 where the client left before the head."""
        self._answered[surface, reply.status] += 1
        self._bytes_sent += reply.bytes_sent
        self._durations[surface].add(took_s)
        if reply.memory_status:
            self._memory[reply.memory_status.decode("latin-1")] += 1

    def exposition(self, state: Iterable[Gauge] = ()) -> str:
        """The counts, and the gauges of ``state``."""
        replies = {_labels(surface=surface, status=status): n for (surface, status), n in self._answered.items()}
        memory = {_labels(status=status): n for status, n in self._memory.items()}
        lines = [
            *_family("recollect_requests_total", "counter", "Requests, by surface and status of the reply.", replies),
            *_family("recollect_memory_total", "counter", "Exchanges, by what memory did (X-Memory-Status).", memory),
            *self._histogram_lines(),
            *_family("recollect_requests_in_flight", "gauge", "Requests being answered.", {"": self.in_flight}),
            *_family(
                "recollect_disconnects_total",
                "counter",
                "Clients that left before their reply.",
                {"": self.disconnects},
            ),
            *_family("recollect_sent_bytes_total", "counter", "Bytes of reply bodies.", {"": self._bytes_sent}),
            *_family(
                "recollect_start_time_seconds", "gauge", "When this process started.", {"": round(self._started_at, 3)}
            ),
        ]
        for gauge in state:
            lines += _family(gauge.name, "gauge", gauge.text, {"": gauge.value})
        return "\n".join(lines) + "\n"

    def _histogram_lines(self) -> Iterator[str]:
        name = "recollect_request_duration_seconds"
        yield f"# HELP {name} From a request's arrival to the end of its reply, by surface."
        yield f"# TYPE {name} histogram"
        for surface, histogram in sorted(self._durations.items()):
            below = 0
            for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), histogram.counts, strict=True):
                below += count
                yield f"{name}_bucket{_labels(surface=surface, le=bound)} {below}"
            yield f"{name}_sum{_labels(surface=surface)} {histogram.sum_s:.6f}"
            yield f"{name}_count{_labels(surface=surface)} {below}"


def _family(name: str, kind: str, text: str, samples: Mapping[str, float]) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *(f"{name}{at} {n}" for at, n in sorted(samples.items()))]


def _labels(**labels: object) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
