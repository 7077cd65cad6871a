"""Behind forwarding: the memory ledger of an exchange, kept when its client has its reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.accounting.ledger import Burden, ledger_of
from recollect.domain.chat import estimate_tokens
from recollect.domain.recall import MemoryStatus
from recollect.domain.usage import Payer, Usage, UsageAccount, UsageCounts
from recollect.errors import StoreUnavailableError
from recollect.exchange.resolve import LOCAL_USER, MAX_NAME_CHARACTERS, project_of

if TYPE_CHECKING:
    from recollect.accounting.book import UsageBook
    from recollect.domain.usage import Cost
    from recollect.exchange.exchange import Exchange
    from recollect.providers.pricing import PriceBook
    from recollect.stores.base import MessageStore

MOST_MESSAGES = 1000
"""How much of a session's history is looked at; what is older is not counted as spared."""


def payer_of(exchange: Exchange) -> Payer:
    """On whose account an exchange goes: as memory would be kept, also where it is off."""
    principal, controls, place = exchange.principal, exchange.controls, exchange.place
    if principal is None:
        message = "an exchange is counted once it is known whose it is"
        raise ValueError(message)
    key = principal.key_id or ""
    user = place.user if place else principal.user or controls.user or (f"key:{key}" if key else LOCAL_USER)
    return Payer(project_of(principal, controls), key, user[:MAX_NAME_CHARACTERS])


def account_of(exchange: Exchange, provider: str, model: str) -> UsageAccount:
    """Where an exchange is added up."""
    return UsageAccount(exchange.started_at.date(), payer_of(exchange), provider, model)


@dataclass(frozen=True, slots=True)
class LedgerKeeper:
    """Writes the ledger of exchanges that memory took part in."""

    prices: PriceBook
    book: UsageBook
    messages: MessageStore

    async def keep(self, exchange: Exchange) -> None:
        """Fill ``exchange.ledger``, and add it up. Nothing without a cost, or without memory."""
        cost = exchange.cost
        if cost is None or exchange.place is None:
            return
        burden = await self._burden(exchange)

        def price(usage: Usage) -> int | None:
            return self.prices.cost_nano_usd(cost.provider, cost.model, usage) if cost.provider else None

        ledger = ledger_of(cost, burden, price, self._recall_nano_usd(exchange, cost, burden))
        exchange.ledger = ledger
        counts = UsageCounts(
            injected_tokens=ledger.injected_tokens,
            spared_tokens=ledger.spared_tokens,
            cached_without_memory=ledger.cached_without_memory - ledger.cached_tokens,
            memory_nano_usd=ledger.net_nano_usd or 0,
        )
        if counts != UsageCounts():
            self.book.add(account_of(exchange, cost.provider, cost.model), counts)

    async def _burden(self, exchange: Exchange) -> Burden:
        blocks = dict(exchange.edit.blocks)
        newest = 0
        if exchange.injection is not None:
            newest = estimate_tokens(exchange.injection.block)
        everything = sum(map(estimate_tokens, blocks.values()))
        profile = estimate_tokens(exchange.edit.profile or "")
        begins = exchange.place is None or exchange.place.session is None
        browsing = exchange.recalled.browsing if exchange.recalled else None
        return Burden(
            newest=newest + (profile if begins else 0),
            kept=max(0, everything - newest) + (0 if begins else profile),
            spared=await self._spared(exchange),
            recall=browsing.tokens if browsing else 0,
        )

    async def _spared(self, exchange: Exchange) -> int:
        """The tokens of the session's earlier messages, where the request held none of them, the provider's own state
        neither, and memory gave it something in their place."""
        place = exchange.place
        if place is None or place.vault is None or place.session is None or not place.sent_only_newest:
            return 0
        if exchange.status is not MemoryStatus.INJECTED:
            return 0
        try:
            said = await self.messages.session_messages(place.vault.id, place.session.number, limit=MOST_MESSAGES)
        except StoreUnavailableError:
            return 0
        earlier = (one for one in said if one.captured_at < exchange.started_at)
        return sum(estimate_tokens(one.text) for one in earlier)

    def _recall_nano_usd(self, exchange: Exchange, cost: Cost, burden: Burden) -> int:
        """What browsing cost, by the price of a sent token: how many came back is not told apart."""
        browsing = exchange.recalled.browsing if exchange.recalled else None
        if browsing is None or not burden.recall:
            return 0
        return self.prices.cost_nano_usd(cost.provider, browsing.model, Usage(input_tokens=burden.recall)) or 0
