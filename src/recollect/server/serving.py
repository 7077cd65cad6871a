"""What requests are served by: one set of settings, and the gateway that was built from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from recollect.server.cors import Cors
from recollect.server.intake import Intake
from recollect.server.patience import Patience

if TYPE_CHECKING:
    from recollect.server.counters import Counters
    from recollect.server.ports import Gateway
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
