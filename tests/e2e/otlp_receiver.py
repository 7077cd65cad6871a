"""A collector's receiver for OTLP over HTTP, as far as tests need one: it decodes with OpenTelemetry's own protocol
buffers, and refuses what they cannot read, as a collector does."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
}


@dataclass
class OtlpReceiver:
    """What was received, decoded; ``raw`` are the bytes."""

    url: str = ""
    exports: list[Any] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refused: int = 0

    @property
    def spans(self) -> list[Any]:
        """Every span, in the order in which they came."""
        return [
            span
            for export in self.exports
            if isinstance(export, ExportTraceServiceRequest)
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> list[Any]:
        """Every metric, in the order in which they came."""
        return [
            metric
            for export in self.exports
            if isinstance(export, ExportMetricsServiceRequest)
            for resource in export.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def resources(self) -> list[dict[str, Any]]:
        """Who sent it."""
        found = []
        for export in self.exports:
            rows = getattr(export, "resource_spans", None) or getattr(export, "resource_metrics", ())
            found += [attributes(row.resource) for row in rows]
        return found


def attributes(value: Any) -> dict[str, Any]:
    """The attributes of a span, a data point or a resource."""
    return {one.key: _plain(one.value) for one in value.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_plain(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@contextmanager
def receiving() -> Iterator[OtlpReceiver]:
    """A receiver on a loopback port."""
    received = OtlpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            request, response = SERVICES.get(self.path, (None, None))
            if request is None or response is None or self.headers["content-type"] != "application/x-protobuf":
                received.refused += 1
                self._answer(404, b"")
                return
            try:
                received.exports.append(request.FromString(body))
            except DecodeError:
                received.refused += 1
                self._answer(400, b"")
                return
            received.raw.append(body)
            self._answer(200, response().SerializeToString())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing: tests read what was received."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
