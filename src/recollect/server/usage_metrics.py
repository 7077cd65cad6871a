"""The memory ledger of this process, for ``/metrics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.usage import NANO_PER_USD
from recollect.server.exposition import Gauge

if TYPE_CHECKING:
    from recollect.domain.usage import UsageCounts


def ledger_gauges(total: UsageCounts) -> list[Gauge]:
    """Gauges, not counters: what memory cost falls where it saves."""
    tokens = {
        "injected": total.injected_tokens,
        "spared": total.spared_tokens,
        "cached": total.cached_tokens,
        "cached_without_memory": total.cached_without_memory,
    }
    net = total.memory_nano_usd / NANO_PER_USD
    return [
        Gauge("recollect_ledger_tokens", "The memory ledger, in tokens.", label="kind", samples=tokens),
        Gauge("recollect_ledger_net_cost_usd", "What memory cost, in US dollars; negative where it saved.", net),
    ]
