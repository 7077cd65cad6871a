"""Beside forwarding: what an exchange takes, by the provider's own count, or by an estimate that is marked as one."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from recollect.accounting.budgets import BudgetRules, charges_for, corrections, limit_headers, refusal
from recollect.accounting.metering import MeteredReply
from recollect.domain.budgets import Measure
from recollect.domain.chat import estimate_tokens
from recollect.domain.usage import Cost, Usage, UsageCounts
from recollect.errors import InvalidRequestError, StoreUnavailableError
from recollect.exchange.ledger import account_of, payer_of
from recollect.providers.caching import HIT
from recollect.wire.usage import asks_for_usage, find_usage, most_output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime

    from recollect.accounting.book import UsageBook
    from recollect.domain.budgets import Standing
    from recollect.domain.keys import Principal
    from recollect.exchange.exchange import Exchange
    from recollect.exchange.forward import Forwarder
    from recollect.providers.base import Provider, Route, UpstreamReply
    from recollect.providers.pricing import PriceBook
    from recollect.stores.base import UsageStore

logger = logging.getLogger(__name__)

FIRST_NO_SUCCESS = 300
CAN_ASK = frozenset({"chat/completions", "completions"})
"""The dialects whose streams tell their tokens only to who asks; the others always do."""
BUILT_IN = "recollect"
ONE_REQUEST = UsageCounts(requests=1)
EMBEDDINGS = "embeddings"
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Budgets:
    """The limits in force. ``reserved_output_tokens``: what a reply is taken to need until it has been counted, unless
    the request sets it a lower bound."""

    store: UsageStore
    rules: BudgetRules = field(default_factory=BudgetRules)
    reserved_output_tokens: int = 1000


@dataclass(frozen=True, slots=True)
class Accountant:
    """Admits what budgets have room for, and counts what passes. ``provider_at`` knows whose URL one is.

    ``asks``: where the count of a stream is asked for although the client did not: ``never``, in ``router`` style, or
    ``always``, as far as the provider understands it.
    """

    prices: PriceBook
    registry: Mapping[str, Provider]
    provider_at: Callable[[str], str | None]
    book: UsageBook
    budgets: Budgets
    asks: Literal["never", "router", "always"] = "router"

    def prepare(self, exchange: Exchange) -> None:
        """Have the provider tell what a stream takes, where that is safe; to be called before the body is made."""
        prompt, document, route = exchange.prompt, exchange.document, exchange.route
        if prompt is None or document is None or route is None or not prompt.is_streamed:
            return
        is_forward = exchange.request.forward_target is not None
        if self.asks == "never" or (is_forward and self.asks == "router"):
            return
        if prompt.dialect in CAN_ASK and self._all_can_be_asked(exchange) and not asks_for_usage(document):
            exchange.edit = replace(exchange.edit, asks_usage=True)

    def _all_can_be_asked(self, exchange: Exchange) -> bool:
        """Whoever may answer, by a fallback too, understands the question."""
        ways = [way.route for way in exchange.plan.ways if way.route] if exchange.plan else []
        found = [self.registry.get(self._provider_of(route)) for route in ways]
        return bool(found) and all(provider is not None and provider.has_stream_usage for provider in found)

    async def send(
        self, forwarder: Forwarder, exchange: Exchange, body: bytes | AsyncIterator[bytes] | None
    ) -> UpstreamReply:
        """Forward what budgets have room for, and count what comes back: ``exchange.cost`` is known once the reply is
        closed. RateLimitedError where there is no room."""
        is_counted = exchange.dialect is not None or exchange.request.method == "POST"
        principal = exchange.principal
        standings: list[Standing] = []
        if is_counted and principal is not None and (principal.limits or self.budgets.rules.are_any):
            standings = await self._admit(exchange, principal, body)
        reply = None
        try:
            reply = await forwarder.send(exchange, body)
        finally:
            if reply is None or reply.status >= FIRST_NO_SUCCESS:
                self._correct(exchange, {Measure.REQUESTS: 1})
        if not is_counted or reply.status >= FIRST_NO_SUCCESS:
            return reply
        told = limit_headers(standings, exchange.started_at, is_charged=True) if standings else ()
        return MeteredReply(reply, partial(self._settle, exchange), strips=exchange.edit.asks_usage, told=told)

    async def _admit(self, exchange: Exchange, principal: Principal, body: object) -> list[Standing]:
        """Take what the exchange will probably need from every budget that it falls under. A store that is away lets
        everybody through, and what was taken is noted later."""
        rules = self.budgets.rules
        provider, model = self._provider_of(exchange.route), exchange.model
        limits = list(rules.limits_on(principal.project, payer_of(exchange), f"{provider}/{model}", principal.limits))
        if not limits:
            return []
        counts_requests_alone = all(limit.measure is Measure.REQUESTS for _, limit in limits)
        amounts = {Measure.REQUESTS: 1} if counts_requests_alone else self._foreseen(exchange, body, provider)
        charges = charges_for(limits, amounts, exchange.started_at)
        try:
            standings = await self.budgets.store.reserve(charges)
        except StoreUnavailableError as error:
            logger.warning("budgets are not looked at for this request: %s", error)
            exchange.charges = tuple(replace(one, amount=0) for one in charges)
            return []
        refused = refusal(standings, exchange.started_at)
        if refused is not None:
            raise refused
        exchange.charges = tuple(charges)
        return standings

    def _foreseen(self, exchange: Exchange, body: object, provider: str) -> Mapping[Measure, int]:
        usage = Usage(estimated_input(exchange), self.budgets.reserved_output_tokens)
        if exchange.document is not None:
            output = min(usage.output_tokens, most_output(exchange.document, usage.output_tokens))
            usage = usage._replace(output_tokens=output)
        else:
            is_text = exchange.request.path == EMBEDDINGS and isinstance(body, bytes)
            usage = Usage(len(body) // BYTES_PER_TOKEN if is_text and isinstance(body, bytes) else 0)
        return _amounts(self._cost(provider, exchange.model, usage, exchange.started_at))

    def _settle(self, exchange: Exchange, reply: MeteredReply) -> None:
        provider, model = self._provider_of(exchange.route), exchange.model
        if HIT in reply.headers:
            cost: Cost | None = Cost(provider, model, Usage(), 0)
        else:
            usage = self._usage(exchange, reply)
            cost = None if usage is None else self._cost(provider, model, usage, exchange.started_at)
        exchange.cost = cost
        if exchange.charges:
            self._correct(exchange, _amounts(cost))
        self.book.add(account_of(exchange, provider, model), ONE_REQUEST if cost is None else _counts(cost))

    def _usage(self, exchange: Exchange, reply: MeteredReply) -> Usage | None:
        """The provider's count, else an estimate; None of what is no conversation, and has no count."""
        body, dialect = reply.heard(), exchange.dialect
        usage = find_usage(body, dialect.name if dialect else "")
        if usage is not None or dialect is None:
            return usage
        reader = dialect.reply_reader(is_streamed=reply.is_stream)
        reader.feed(body)
        said = reader.finish(is_cut=True).message
        output = estimate_tokens(f"{said.text}{said.content or ''}") if said else 0
        return Usage(estimated_input(exchange), output, is_estimated=True)

    def _cost(self, provider: str, model: str, usage: Usage, at: datetime) -> Cost:
        nano_usd = 0 if provider == BUILT_IN else self.prices.cost_nano_usd(provider, model, usage, at)
        return Cost(provider, model, usage, nano_usd)

    def _correct(self, exchange: Exchange, amounts: Mapping[Measure, int]) -> None:
        """Set the budgets right, once."""
        charges, exchange.charges = exchange.charges, ()
        for change in corrections(charges, amounts):
            self.book.change(change)

    def _provider_of(self, route: Route | None) -> str:
        """The registry's name of who answers, "" where it is not known."""
        return "" if route is None else route.provider or self.provider_at(route.url) or ""


def estimated_input(exchange: Exchange) -> int:
    """About how many tokens a request has, what memory added included; pictures and tools are not counted."""
    prompt, document, dialect = exchange.prompt, exchange.document, exchange.dialect
    if prompt is None or document is None or dialect is None:
        return 0
    utterances = prompt.utterances
    if not utterances:
        try:
            utterances = dialect.read(document).utterances
        except InvalidRequestError:
            return 0
    added = (*exchange.edit.blocks.values(), exchange.edit.profile or "")
    return sum(estimate_tokens(one.text) for one in utterances) + sum(map(estimate_tokens, added))


def _amounts(cost: Cost | None) -> Mapping[Measure, int]:
    if cost is None:
        return {Measure.REQUESTS: 1}
    return {Measure.REQUESTS: 1, Measure.TOKENS: cost.usage.total_tokens, Measure.USD: cost.nano_usd or 0}


def _counts(cost: Cost) -> UsageCounts:
    input_tokens, output_tokens, cached, cache_write, _, is_estimated = cost.usage
    return UsageCounts(
        1,
        input_tokens,
        output_tokens,
        cached,
        cache_write,
        cost.nano_usd or 0,
        int(cost.nano_usd is None),
        int(is_estimated),
        cached_without_memory=cached,
    )
