"""The spans of one exchange: the request, its stages, and the call to the provider."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from recollect.telemetry import conventions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.trace import Span, Tracer

    from recollect.domain.requests import RequestRecord
    from recollect.exchange.ports import IncomingRequest
    from recollect.providers.base import Headers

CALL_STAGES = ("forward", "relay")
"""What the span of the call to the provider stands for."""
CONTEXT_HEADERS = frozenset({b"traceparent", b"tracestate"})
MS, S = 1_000_000, 1_000_000_000
FIRST_SERVER_ERROR = 500
_PROPAGATOR = TraceContextTextMapPropagator()


class ExchangeSpan:
    """A span for the exchange, continuing the client's trace where its headers name one. ``measure`` is told of the
    operation at its end."""

    def __init__(
        self, tracer: Tracer, request: IncomingRequest, at_s: float, measure: Callable[[RequestRecord, str], None]
    ) -> None:
        """Begin the span of the request."""
        self._tracer = tracer
        self._measure = measure
        self._at_ns = int(at_s * S)
        carrier = {name.decode(): value.decode("latin-1") for name, value in request.headers if name in CONTEXT_HEADERS}
        path = "/forward" if request.forward_target is not None else f"/v1/{request.path}"
        attributes = {"http.request.method": request.method, "url.path": path}
        self._root = tracer.start_span(
            f"{request.method} {path}",
            _PROPAGATOR.extract(carrier),
            SpanKind.SERVER,
            attributes,
            start_time=self._at_ns,
        )
        self._context = set_span_in_context(self._root)
        self._call: Span | None = None

    def outgoing(self, headers: Headers) -> Headers:
        """Headers as they go to the provider: this trace's context in place of the client's."""
        if self._call is None:
            self._call = self._tracer.start_span("call", self._context, SpanKind.CLIENT, start_time=time.time_ns())
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(self._call))
        kept = tuple(field for field in headers if field[0] not in CONTEXT_HEADERS)
        return (*kept, *((name.encode(), value.encode()) for name, value in carrier.items()))

    def end(self, record: RequestRecord) -> None:
        """End every span, with what is known now."""
        for stage, took_ms in record.stage_ms.items():
            if self._call is None or stage not in CALL_STAGES:
                self._add_stage(record, stage, took_ms)
        operation = conventions.operation_of(record)
        ended_ns = self._at_ns + int(record.took_ms * MS)
        if self._call is not None:
            attributes = conventions.call_attributes(record, operation) if operation else {}
            self._call.update_name(f"{operation} {record.model}" if operation else f"{record.method} {record.path}")
            failed = conventions.error_type(record)
            _finish(self._call, attributes, failed, ended_ns)
        if operation is not None and any(stage in record.stage_ms for stage in CALL_STAGES):
            self._measure(record, operation)
        is_ours = record.status >= FIRST_SERVER_ERROR or record.error is not None
        failed = conventions.error_type(record) if is_ours else None
        _finish(self._root, conventions.request_attributes(record), failed, ended_ns)

    def _add_stage(self, record: RequestRecord, stage: str, took_ms: float) -> None:
        begun_ns = self._at_ns + int(record.stage_at_ms.get(stage, 0.0) * MS)
        attributes = conventions.recall_attributes(record) if stage == "recall" else None
        span = self._tracer.start_span(stage, self._context, SpanKind.INTERNAL, attributes, start_time=begun_ns)
        span.end(begun_ns + int(took_ms * MS))


def _finish(span: Span, attributes: Mapping[str, conventions.Attribute], failed: str | None, at_ns: int) -> None:
    span.set_attributes(attributes)
    if failed is not None:
        span.set_status(StatusCode.ERROR, failed)
    span.end(at_ns)
