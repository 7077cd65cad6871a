"""What requests are served by: one set of settings, and the gateway that was built from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from recollect.exchange.head import RequestHead
from recollect.server.cors import Cors
from recollect.server.intake import Intake
from recollect.server.patience import Patience

if TYPE_CHECKING:
    from recollect.server.counters import Counters
    from recollect.server.departure import Connection
    from recollect.server.ports import Gateway, Message
    from recollect.settings import Settings


class Serving:
    """Counts who is served by it, so that it can end when nobody is any more."""

    __slots__ = ("_count", "_counters", "_is_idle", "cors", "gateway", "intake", "settings")

    def __init__(self, settings: Settings, counters: Counters, gateway: Gateway | None = None) -> None:
        """Take the settings, what counts for all, and the gateway, where it runs already."""
        self._counters = counters
        self.settings = settings
        self.gateway = gateway
        self.intake = Intake(settings.limits, Patience(settings.limits.body_timeout_s))
        self.cors = Cors(settings.cors.origins)
        self._count = 0
        self._is_idle: asyncio.Event | None = None

    def begin(self) -> Self:
        """One more is served."""
        self._count += 1
        self._counters.in_flight += 1
        return self

    def head(self, scope: Message) -> RequestHead:
        """The head of a request: that of its connection's last one, where the headers are the same."""
        headers = [field for field in scope["headers"] if field[0] != b"content-length"]
        connection: Connection | None = scope.get("recollect.connection")
        if connection is None:
            return RequestHead(headers)
        last = connection.last_head
        if last is not None and last[0] is self and last[1].headers == headers:
            return last[1]
        head = RequestHead(headers)
        connection.last_head = (self, head)
        return head

    def end(self) -> None:
        """One less."""
        self._count -= 1
        self._counters.in_flight -= 1
        if self._is_idle is not None and not self._count:
            self._is_idle.set()

    async def retire(self) -> None:
        """Release what only those need that are being served now, as soon as they have been. No more may begin."""
        self._is_idle = asyncio.Event()
        if not self._count:
            self._is_idle.set()
        if self.gateway is not None:
            await self.gateway.retire(self._is_idle)
