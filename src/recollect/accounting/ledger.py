"""What the same exchange would have taken without memory: an estimate on the side that flatters memory least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.domain.usage import Cost, Usage


@dataclass(frozen=True, slots=True)
class Burden:
    """What memory changed in a request, in estimated tokens: ``newest`` is what was put in for the first time,
    ``kept`` what earlier requests of the session held already, ``spared`` the history that was not sent."""

    newest: int = 0
    kept: int = 0
    spared: int = 0
    recall: int = 0


def ledger_of(cost: Cost, burden: Burden, price: Callable[[Usage], int | None], recall_nano_usd: int = 0) -> Ledger:
    """The ledger of an exchange whose model is priced by ``price``."""
    usage = cost.usage
    bare = without_memory(usage, burden)
    cached_without_memory = max(0, usage.cached_tokens - burden.kept)
    net = None
    bare_nano_usd = price(bare)
    if cost.nano_usd is not None and bare_nano_usd is not None:
        with_memory = (
            cost.nano_usd if usage.reported_nano_usd is None else price(usage._replace(reported_nano_usd=None))
        )
        net = (cost.nano_usd if with_memory is None else with_memory) - bare_nano_usd + recall_nano_usd
    return Ledger(
        injected_tokens=burden.newest + burden.kept,
        spared_tokens=burden.spared,
        cached_tokens=usage.cached_tokens,
        cached_without_memory=cached_without_memory,
        recall_tokens=burden.recall,
        net_nano_usd=net,
    )


def without_memory(usage: Usage, burden: Burden) -> Usage:
    """The count of the same exchange without blocks and profile, and with the history that was spared.

    Blocks of earlier turns are taken from what was cached; the newest one from what was written to the cache, where
    something was. The spared history is taken to have been in the cache: no provider charges less for it.
    """
    cached = max(0, usage.cached_tokens - burden.kept)
    return usage._replace(
        input_tokens=max(0, usage.input_tokens - burden.newest - burden.kept) + burden.spared,
        cached_tokens=cached + burden.spared,
        cache_write_tokens=max(0, usage.cache_write_tokens - burden.newest),
        reported_nano_usd=None,
    )
