"""The counts as ``/metrics`` tells them: Prometheus's text format, or OpenMetrics for who asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from recollect.server.counters import Counters, Histogram

NANO = 1_000_000_000
Labels = TypeVar("Labels", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is looked up when it is asked for; ``samples`` by the value of its one ``label``, if it has one."""

    name: str
    text: str
    value: float = 0.0
    label: str = ""
    samples: Mapping[str, float] | None = None


def exposition(counters: Counters, state: Iterable[Gauge], accept: str = "") -> tuple[bytes, str]:
    """The body of ``/metrics`` in the format that ``accept`` asks for, and its content type."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry()
    registry.register(_Counts(counters, state))
    ProcessCollector(registry=registry)
    return encode(registry), content_type


class _Counts(Collector):
    """The families of one moment."""

    def __init__(self, counters: Counters, state: Iterable[Gauge]) -> None:
        self._counters = counters
        self._state = state

    def collect(self) -> Iterator[Metric]:
        counts = self._counters
        counts.fold()
        yield from self._requests(counts)
        yield from self._exchanges(counts)
        for gauge in self._state:
            family = GaugeMetricFamily(gauge.name, gauge.text, labels=[gauge.label] if gauge.label else None)
            for value, sample in (gauge.samples or {}).items():
                family.add_metric([value], sample)
            if not gauge.label:
                family.add_metric([], gauge.value)
            yield family

    def _requests(self, counts: Counters) -> Iterator[Metric]:
        yield _counter(
            "recollect_requests",
            "Requests, by surface and status of the reply.",
            ("surface", "status"),
            {(surface, str(status)): n for (surface, status), n in counts.answered_by.items()},
        )
        yield _histogram(
            "recollect_request_duration_seconds",
            "From a request's arrival to the end of its reply, by surface.",
            "surface",
            counts.durations,
        )
        yield _counter(
            "recollect_memory",
            "Exchanges, by what memory did (X-Memory-Status).",
            ("status",),
            {(status,): n for status, n in counts.memory_by.items()},
        )
        yield GaugeMetricFamily("recollect_requests_in_flight", "Requests being answered.", counts.in_flight)
        yield _counter("recollect_disconnects", "Clients that left before their reply.", (), {(): counts.disconnects})
        yield _counter("recollect_sent_bytes", "Bytes of reply bodies.", (), {(): counts.bytes_sent})
        started = round(counts.started_at, 3)
        yield GaugeMetricFamily("recollect_start_time_seconds", "When this process started.", started)

    def _exchanges(self, counts: Counters) -> Iterator[Metric]:
        by_model = ("provider", "model")
        yield _counter(
            "recollect_exchanges",
            "Exchanges, by provider, model and status; 0 where the client left before the reply.",
            (*by_model, "status"),
            {(provider, model, str(status)): n for (provider, model, status), n in counts.exchanges_by.items()},
        )
        yield _histogram(
            "recollect_stage_duration_seconds", "How long each stage of an exchange took.", "stage", counts.stages
        )
        yield _counter(
            "recollect_tokens",
            "Tokens, by kind: input, the part of it that was cached, output.",
            (*by_model, "kind"),
            counts.tokens_by,
        )
        dollars = {labels: n / NANO for labels, n in counts.nano_usd_by.items()}
        yield _counter("recollect_cost_usd", "What providers charge, in US dollars.", by_model, dollars)
        yield _counter("recollect_injected_tokens", "Tokens of what was recalled.", (), {(): counts.injected_tokens})
        yield _counter("recollect_injected_memories", "Memories recalled.", (), {(): counts.injected_memories})
        yield _counter(
            "recollect_captures",
            "Exchanges with memory, by what became of their messages (X-Memory-Stored).",
            ("result",),
            {(result,): n for result, n in counts.stored_by.items()},
        )
        yield _counter(
            "recollect_response_cache",
            "Replies with the response cache on: hit or miss.",
            ("result",),
            {(result,): n for result, n in counts.cached_by.items()},
        )
        yield _counter(
            "recollect_upstream_attempts",
            "Tries at upstreams, by what came of them.",
            ("upstream", "outcome"),
            counts.attempts_by,
        )
        yield _counter(
            "recollect_errors",
            "Exchanges that failed, by error code.",
            ("code",),
            {(code,): n for code, n in counts.errors_by.items()},
        )


def _counter(name: str, text: str, labels: tuple[str, ...], samples: Mapping[Labels, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in sorted(samples.items()):
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, label: str, histograms: Mapping[str, Histogram]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=[label])
    for value, histogram in sorted(histograms.items()):
        below, buckets = 0, []
        for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
            below += count
            buckets.append((bound, below))
        family.add_metric([value], buckets, histogram.sum_s)
    return family
