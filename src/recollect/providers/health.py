"""How the places that requests can go to have done lately: cooldown, circuit breaker, latency."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MAX_PLACES = 10_000
"""Clients may name any model, so what is kept of places is bounded: the one first seen is forgotten first."""
SMOOTHING = 0.3
"""Weight of the newest latency in the moving average."""


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """After ``failures`` in a row a place rests for ``cooldown_s``, twice as long each time, up to ``cap_s``.

    Then one request may try it (half-open): its success closes the circuit, its failure opens it again.
    """

    failures: int = 3
    cooldown_s: float = 5.0
    cap_s: float = 60.0


@dataclass(slots=True)
class _Record:
    failures_in_a_row: int = 0
    rests: int = 0
    rests_until: float = 0.0
    is_on_trial: bool = False
    latency_s: float | None = None


@dataclass(slots=True)
class Health:
    """The state of one process. Keys are whatever names a place; ``clock`` is monotonic seconds."""

    policy: HealthPolicy = field(default_factory=HealthPolicy)
    clock: Callable[[], float] = time.monotonic
    _records: dict[Hashable, _Record] = field(default_factory=dict)

    def is_available(self, place: Hashable) -> bool:
        """Whether a request may go there: it does not rest, and nobody is on trial there."""
        record = self._records.get(place)
        if record is None or record.rests == 0:
            return True
        return self.clock() >= record.rests_until and not record.is_on_trial

    def begin(self, place: Hashable) -> None:
        """A request goes there: after a rest it is the one on trial."""
        record = self._records.get(place)
        if record is not None and record.rests:
            record.is_on_trial = True

    def succeeded(self, place: Hashable, latency_s: float) -> None:
        """A reply came; the latency is that of its first byte."""
        record = self._record(place)
        record.failures_in_a_row = record.rests = 0
        record.is_on_trial = False
        known = record.latency_s
        record.latency_s = latency_s if known is None else known + SMOOTHING * (latency_s - known)

    def failed(self, place: Hashable, retry_after_s: float | None = None) -> None:
        """It failed; a ``Retry-After`` makes it rest at once, and for as long."""
        record = self._record(place)
        record.failures_in_a_row += 1
        if retry_after_s is None and not record.is_on_trial and record.failures_in_a_row < self.policy.failures:
            return
        rest_s = min(self.policy.cap_s, self.policy.cooldown_s * 2**record.rests)
        record.rests += 1
        record.is_on_trial = False
        record.rests_until = self.clock() + (rest_s if retry_after_s is None else min(retry_after_s, self.policy.cap_s))

    def abandoned(self, place: Hashable) -> None:
        """The client left before anything was known: the next request is on trial instead."""
        record = self._records.get(place)
        if record is not None:
            record.is_on_trial = False

    def resting(self) -> list[Hashable]:
        """The places that no request goes to now."""
        return [place for place in self._records if not self.is_available(place)]

    def latency_s(self, place: Hashable) -> float | None:
        """The moving average of the time to the first byte; None where nothing is known."""
        record = self._records.get(place)
        return record.latency_s if record else None

    def _record(self, place: Hashable) -> _Record:
        record = self._records.get(place)
        if record is None:
            if len(self._records) >= MAX_PLACES:
                del self._records[next(iter(self._records))]
            record = self._records[place] = _Record()
        return record
