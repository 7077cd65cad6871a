"""Times as a store keeps them: microseconds since the epoch, UTC, in an integer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Microseconds since the epoch; ``at`` must be aware."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The inverse of :func:`to_us`, in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def utc_now() -> datetime:
    """The clock of a store, unless it is given another."""
    return datetime.now(UTC)
