"""What memory did to the bill of one exchange."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ledger:
    """Tokens and money; docs/explanation/ledger.md has the formulas.

    ``injected_tokens``: what memory put into the request, earlier blocks and the profile included. ``spared_tokens``:
    the session's history that the request did not have to carry. ``cached_tokens`` is what the provider reports,
    ``cached_without_memory`` what it would have been. ``recall_tokens``: what a model took that browsed the memory.
    ``net_nano_usd``: what memory cost, negative where it saved; None without a price.
    """

    injected_tokens: int = 0
    spared_tokens: int = 0
    cached_tokens: int = 0
    cached_without_memory: int = 0
    recall_tokens: int = 0
    net_nano_usd: int | None = None
