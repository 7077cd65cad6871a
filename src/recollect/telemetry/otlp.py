"""Spans and metrics to a collector, over OTLP/HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from recollect.telemetry import conventions
from recollect.telemetry.spans import CALL_STAGES, ExchangeSpan

if TYPE_CHECKING:
    from recollect.domain.requests import RequestRecord
    from recollect.exchange.ports import IncomingRequest

CLOSE_TIMEOUT_MS = 3000


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """Where to, as whom, how much of it (a share of the traces that begin here), and how often metrics are sent."""

    endpoint: str
    service_name: str
    version: str
    sample_ratio: float
    interval_s: float


class Telemetry:
    """A ``Tracer`` for the exchange. Sending goes on in threads of its own and never holds a request up."""

    def __init__(self, settings: OtlpSettings) -> None:
        """Build the pipelines; nothing is sent before there is something to say."""
        resource = Resource.create({"service.name": settings.service_name, "service.version": settings.version})
        self._spans = TracerProvider(
            resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)), shutdown_on_exit=False
        )
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{settings.endpoint}/v1/traces")))
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(f"{settings.endpoint}/v1/metrics"), export_interval_millis=settings.interval_s * 1000
        )
        self._metrics = MeterProvider(
            [reader],
            resource,
            shutdown_on_exit=False,
            views=[
                _buckets(conventions.DURATION, conventions.DURATION_BOUNDS_S),
                _buckets(conventions.TOKEN_USAGE, conventions.TOKEN_BOUNDS),
            ],
        )
        self._tracer = self._spans.get_tracer("recollect", settings.version)
        meter = self._metrics.get_meter("recollect", settings.version)
        self._duration = meter.create_histogram(conventions.DURATION, "s", "GenAI operation duration.")
        self._tokens = meter.create_histogram(
            conventions.TOKEN_USAGE, "{token}", "Number of input and output tokens used."
        )

    def begin(self, request: IncomingRequest, at_s: float) -> ExchangeSpan:
        """The span of one exchange, continuing the client's trace where its headers name one."""
        return ExchangeSpan(self._tracer, request, at_s, self.measure)

    def measure(self, record: RequestRecord, operation: str) -> None:
        """Note an operation in the metrics."""
        attributes = conventions.metric_attributes(record, operation)
        took_ms = sum(record.stage_ms.get(stage, 0.0) for stage in CALL_STAGES)
        failed = conventions.error_type(record)
        self._duration.record(took_ms / 1000, {**attributes, "error.type": failed} if failed else attributes)
        if record.cost is not None:
            usage = record.cost.usage
            counts = (("input", usage.input_tokens), ("output", usage.output_tokens))
            for kind, count in counts:
                self._tokens.record(count, {**attributes, "gen_ai.token.type": kind})

    async def close(self) -> None:
        """Send what is left, within seconds."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._spans.force_flush(CLOSE_TIMEOUT_MS)
        self._spans.shutdown()
        self._metrics.shutdown(CLOSE_TIMEOUT_MS)


def _buckets(name: str, bounds: tuple[float, ...]) -> View:
    return View(instrument_type=Histogram, instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(bounds))
