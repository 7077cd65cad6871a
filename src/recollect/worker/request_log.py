"""Writes the log of requests, a batch at a time, off the path of every request."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from math import ceil
from typing import TYPE_CHECKING

from recollect.errors import StoreUnavailableError, UnprocessableError

if TYPE_CHECKING:
    from recollect.domain.requests import RequestBodies, RequestRecord
    from recollect.stores.base import RequestStore

logger = logging.getLogger(__name__)

BATCH = 500
DELAY_S = 0.5
RETRY_S = 5.0
MOST_WAITING = 10_000
"""While the store is away so many wait; then the oldest are given up."""


class RequestLog:
    """A ``Watcher`` that keeps what it is told. A crash loses at most what came in the last half second."""

    def __init__(self, store: RequestStore, *, delay_s: float = DELAY_S, most_waiting: int = MOST_WAITING) -> None:
        """Take where records are kept, and how long they may wait for others."""
        self._store = store
        self._delay_s = delay_s
        self._records: deque[RequestRecord] = deque(maxlen=most_waiting)
        self._bodies: deque[RequestBodies] = deque(maxlen=most_waiting)
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[bool] | None = None
        self._lock = asyncio.Lock()

    def ended(self, record: RequestRecord) -> None:
        """Keep a record; one of nobody who was let in is in nobody's log."""
        if record.project is not None:
            self._records.append(record)
            self._write_in(self._delay_s)

    def keep(self, bodies: RequestBodies) -> None:
        """Keep what was said in a request."""
        self._bodies.append(bodies)
        self._write_in(self._delay_s)

    async def flush(self) -> bool:
        """Write what waits now; False where the store is away, and it goes on waiting. What comes meanwhile waits for
        others: under load one write would follow the other, each for a handful of records."""
        async with self._lock:
            for _ in range(ceil(max(len(self._records), len(self._bodies)) / BATCH)):
                if not await self._write_batch():
                    self._write_in(RETRY_S)
                    return False
        return True

    async def stop(self) -> None:
        """Write what waits, and nothing behind that."""
        self._cancel_timer()
        if self._writing is not None:
            await self._writing
        while (self._records or self._bodies) and await self.flush():
            pass
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _write_batch(self) -> bool:
        records = [self._records.popleft() for _ in range(min(BATCH, len(self._records)))]
        bodies = [self._bodies.popleft() for _ in range(min(BATCH, len(self._bodies)))]
        try:
            await self._store.put_requests(records, bodies)
        except StoreUnavailableError as error:
            logger.debug("the log of requests waits: %s", error)
            room = (self._records.maxlen or 0) - len(self._records)
            self._records.extendleft(reversed(records[-room:] if room else []))
            self._bodies.extendleft(reversed(bodies[: (self._bodies.maxlen or 0) - len(self._bodies)]))
            return False
        except UnprocessableError as error:
            logger.error("%s records of requests are lost: %s", len(records), error)  # noqa: TRY400 - no defect's trace
        return True

    def _write_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self.flush())
        else:
            self._write_in(self._delay_s)
