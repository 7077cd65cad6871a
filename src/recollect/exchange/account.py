"""Beside forwarding: what an exchange takes, by the provider's own count, or by an estimate that is marked as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from recollect.accounting.metering import MeteredReply
from recollect.domain.chat import estimate_tokens
from recollect.domain.usage import Cost, Usage
from recollect.errors import InvalidRequestError
from recollect.providers.caching import HIT
from recollect.wire.usage import asks_for_usage, find_usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from recollect.exchange.exchange import Exchange
    from recollect.exchange.forward import Forwarder
    from recollect.providers.base import Provider, UpstreamReply
    from recollect.providers.pricing import PriceBook

FIRST_NO_SUCCESS = 300
CAN_ASK = frozenset({"chat/completions", "completions"})
"""The dialects whose streams tell their tokens only to who asks; the others always do."""
BUILT_IN = "recollect"


@dataclass(frozen=True, slots=True)
class Accountant:
    """Counts what passes. ``provider_at`` knows whose URL one is.

    ``asks``: where the count of a stream is asked for although the client did not: ``never``, in ``router`` style, or
    ``always``, as far as the provider understands it.
    """

    prices: PriceBook
    registry: Mapping[str, Provider]
    provider_at: Callable[[str], str | None]
    asks: Literal["never", "router", "always"] = "router"

    def prepare(self, exchange: Exchange) -> None:
        """Have the provider tell what a stream takes, where that is safe; to be called before the body is made."""
        prompt, document, route = exchange.prompt, exchange.document, exchange.route
        if prompt is None or document is None or route is None or not prompt.is_streamed:
            return
        is_forward = exchange.request.forward_target is not None
        if self.asks == "never" or (is_forward and self.asks == "router"):
            return
        provider = self.registry.get(self._provider(exchange))
        if prompt.dialect in CAN_ASK and provider and provider.has_stream_usage and not asks_for_usage(document):
            exchange.edit = replace(exchange.edit, asks_usage=True)

    async def send(
        self, forwarder: Forwarder, exchange: Exchange, body: bytes | AsyncIterator[bytes] | None
    ) -> UpstreamReply:
        """Forward, and count what comes back: ``exchange.cost`` is known once the reply is closed."""
        reply = await forwarder.send(exchange, body)
        if reply.status >= FIRST_NO_SUCCESS or (exchange.dialect is None and exchange.request.method != "POST"):
            return reply
        return MeteredReply(reply, partial(self._settle, exchange), strips=exchange.edit.asks_usage)

    def _settle(self, exchange: Exchange, reply: MeteredReply) -> None:
        if HIT in reply.headers:
            exchange.cost = Cost(self._provider(exchange), exchange.model, Usage(), 0)
            return
        body = reply.heard()
        dialect = exchange.dialect
        usage = find_usage(body, dialect.name if dialect else "")
        if usage is None and dialect is not None:
            reader = dialect.reply_reader(is_streamed=reply.is_stream)
            reader.feed(body)
            said = reader.finish(is_cut=True).message
            usage = Usage(
                input_tokens=estimated_input(exchange),
                output_tokens=estimate_tokens(f"{said.text}{said.content or ''}") if said else 0,
                is_estimated=True,
            )
        if usage is None:
            return
        provider, model = self._provider(exchange), exchange.model
        nano_usd = 0 if provider == BUILT_IN else self.prices.cost_nano_usd(provider, model, usage)
        exchange.cost = Cost(provider, model, usage, nano_usd)

    def _provider(self, exchange: Exchange) -> str:
        """The registry's name, "" where it is not known."""
        route = exchange.route
        if route is None:
            return ""
        return route.provider or self.provider_at(route.url) or ""


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
