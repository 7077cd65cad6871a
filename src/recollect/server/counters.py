"""What the gateway has done since it started, as ``/metrics`` tells it: counts, never names of users."""

from __future__ import annotations

import time
from collections import Counter

_SURFACE_HELP = "Requests that were answered, by surface and status."


class Counters:
    """Counts of one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._answered: Counter[tuple[str, int]] = Counter()
        self._started_at = time.time()
        self.in_flight = 0
        self.disconnects = 0
        self.bytes_sent = 0

    def answered(self, surface: str, status: int, bytes_sent: int) -> None:
        """Note one reply; status 0 where the client left before its head."""
        self._answered[surface, status] += 1
        self.bytes_sent += bytes_sent

    def exposition(self) -> str:
        """The counts in Prometheus's text format."""
        lines = [f"# HELP recollect_requests_total {_SURFACE_HELP}", "# TYPE recollect_requests_total counter"]
        lines += [
            f'recollect_requests_total{{surface="{surface}",status="{status}"}} {count}'
            for (surface, status), count in sorted(self._answered.items())
        ]
        for name, kind, text, value in (
            ("recollect_requests_in_flight", "gauge", "Requests that are being answered.", self.in_flight),
            ("recollect_disconnects_total", "counter", "Clients that left before their reply ended.", self.disconnects),
            ("recollect_sent_bytes_total", "counter", "Bytes of reply bodies.", self.bytes_sent),
            ("recollect_start_time_seconds", "gauge", "When this process started.", round(self._started_at, 3)),
        ):
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value}"]
        return "\n".join(lines) + "\n"
