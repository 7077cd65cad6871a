"""What was taken, as the memory surface, traces and the command line write it. Money is told in dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.usage import NANO_PER_USD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.domain.ledger import Ledger
    from recollect.domain.usage import Cost, UsageCounts, UsageGroup


def usd(nano_usd: int) -> float:
    """Dollars."""
    return nano_usd / NANO_PER_USD


def cost_object(cost: Cost) -> dict[str, object]:
    """What one exchange took."""
    usage = cost.usage
    return {
        "provider": cost.provider or None,
        "model": cost.model,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "is_estimated": usage.is_estimated,
        "cost_usd": cost.usd,
    }


def ledger_object(ledger: Ledger) -> dict[str, object]:
    """What memory did to the cost of one exchange."""
    return {
        "injected_tokens": ledger.injected_tokens,
        "spared_tokens": ledger.spared_tokens,
        "cached_tokens": ledger.cached_tokens,
        "cached_tokens_without_memory": ledger.cached_without_memory,
        "recall_tokens": ledger.recall_tokens,
        "net_cost_usd": None if ledger.net_nano_usd is None else usd(ledger.net_nano_usd),
    }


def usage_object(counts: UsageCounts, group: Mapping[UsageGroup, str] | None = None) -> dict[str, object]:
    """Totals, with what tells them apart."""
    return {
        "object": "usage",
        **{str(name): value for name, value in (group or {}).items()},
        "requests": counts.requests,
        "input_tokens": counts.input_tokens,
        "cached_tokens": counts.cached_tokens,
        "cache_write_tokens": counts.cache_write_tokens,
        "output_tokens": counts.output_tokens,
        "cost_usd": usd(counts.nano_usd),
        "unpriced_requests": counts.unpriced,
        "estimated_requests": counts.estimated,
        "memory": ledger_totals(counts),
    }


def ledger_totals(counts: UsageCounts) -> dict[str, object]:
    """The memory ledger of many exchanges."""
    return {
        "injected_tokens": counts.injected_tokens,
        "spared_tokens": counts.spared_tokens,
        "cached_tokens": counts.cached_tokens,
        "cached_tokens_without_memory": counts.cached_without_memory,
        "net_cost_usd": usd(counts.memory_nano_usd),
    }
