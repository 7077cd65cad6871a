"""How long a silent client is waited for, without a timer for every request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from recollect.errors import RequestTimeoutError

if TYPE_CHECKING:
    from recollect.server.ports import Message, Receive

CHECKS = 4
"""Looks within one time-out: a client is given up at most a quarter late."""


class Patience:
    """Waits for the next piece of a body, at most ``timeout_s``.

    Almost every body has arrived by the time it is asked for, and arming a timer for each would cost more than
    reading it. One timer looks after all that wait, and runs only while some do.
    """

    def __init__(self, timeout_s: float) -> None:
        """Take the longest silence, in seconds."""
        self._timeout_s = timeout_s
        self._waiting: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def next(self, receive: Receive) -> Message:
        """The next ASGI message. RequestTimeoutError where it takes too long."""
        task = asyncio.current_task()
        if task is None:
            return await receive()
        loop = asyncio.get_running_loop()
        self._waiting[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._timeout_s / CHECKS, self._look, loop)
        try:
            return await receive()
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            message = f"The rest of the body did not arrive within {self._timeout_s:g} seconds."
            raise RequestTimeoutError(message) from None
        finally:
            self._waiting.pop(task, None)
            self._late.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        oldest = loop.time() - self._timeout_s
        for task, since in self._waiting.items():
            if since <= oldest and task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._waiting:
            self._timer = loop.call_later(self._timeout_s / CHECKS, self._look, loop)
