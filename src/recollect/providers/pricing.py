"""What tokens cost: unit prices from ``genai-prices``, which the settings may override. Money is whole nano-dollars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from recollect.domain.usage import NANO_PER_USD
from recollect.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.domain.usage import Usage

MILLION = 1_000_000
REQUESTS_PER_PRICE = 1000
MOST_KNOWN = 4096
CATALOGUES = frozenset({"openrouter"})
"""Providers whose own price list is used although their models are named after others."""
RESELLERS = frozenset({"vercel", "litellm"})
"""Providers that pass on the price of the provider in the model's name."""
OVERRIDE_FIELDS = frozenset({"input", "output", "cached", "cache_write", "request"})


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars for a million tokens; a request with more input than a tier's start pays that tier for all of it."""

    base: int
    tiers: tuple[tuple[int, int], ...] = ()

    def at(self, input_tokens: int) -> int:
        """The price for a request with so much input."""
        if not self.tiers:
            return self.base
        return next((price for start, price in reversed(self.tiers) if input_tokens > start), self.base)


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """The prices of one model. ``request`` is nano-dollars for a single request."""

    input: Price
    output: Price
    cached: Price
    cache_write: Price
    request: int = 0

    def cost_nano_usd(self, usage: Usage) -> int:
        """What the provider charges."""
        total, output, cached, written, _, _ = usage
        if not cached and not written:
            sums = total * self.input.at(total) + output * self.output.at(total)
            return self.request + -(-sums // MILLION)
        cached = min(cached, total)
        written = min(written, total - cached)
        sums = (
            (total - cached - written) * self.input.at(total)
            + cached * self.cached.at(total)
            + written * self.cache_write.at(total)
            + output * self.output.at(total)
        )
        return self.request + -(-sums // MILLION)


class PriceBook:
    """Prices by provider and model. ``overrides`` go first: ``provider/model``, or ``provider/*`` for all of one's."""

    def __init__(
        self, overrides: Mapping[str, UnitPrices] | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        """Take the operator's own prices, and the clock."""
        self._overrides = overrides or {}
        self._now = now or (lambda: datetime.now(UTC))
        self._known: dict[tuple[str, str], UnitPrices | None] = {}
        self._known_until = datetime.min.replace(tzinfo=UTC)

    def unit_prices(self, provider: str, model: str, at: datetime | None = None) -> UnitPrices | None:
        """The prices (``at``: now), None for a model that nobody has priced: a local one, a deployment's own name."""
        now = at or self._now()
        if now >= self._known_until or len(self._known) > MOST_KNOWN:
            self._known.clear()
            self._known_until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        try:
            return self._known[provider, model]
        except KeyError:
            own = self._override(provider, model)
            found = self._known[provider, model] = own or _listed(
                provider, model, self._known_until - timedelta(hours=1)
            )
            return found

    def _override(self, provider: str, model: str) -> UnitPrices | None:
        return self._overrides.get(f"{provider}/{model}") or self._overrides.get(f"{provider}/*")

    def cost_nano_usd(self, provider: str, model: str, usage: Usage, at: datetime | None = None) -> int | None:
        """What a request (``at``: now) cost, None where the model's price is not known. What such a provider as
        OpenRouter says that it charges goes before the list."""
        if provider in CATALOGUES and usage.reported_nano_usd is not None and not self._override(provider, model):
            return usage.reported_nano_usd
        prices = self.unit_prices(provider, model, at)
        return None if prices is None else prices.cost_nano_usd(usage)


def parse_prices(table: Mapping[str, object]) -> dict[str, UnitPrices]:
    """Overrides from settings.

    Dollars for a million tokens by ``input``, ``output``, ``cached`` and ``cache_write``, and for one ``request``. What
    is left out of the cache's prices costs what input does. SettingsError names the setting.
    """
    return {name: _parse_override(f"prices.{name}", value) for name, value in table.items()}


def _parse_override(place: str, value: object) -> UnitPrices:
    if not isinstance(value, Mapping) or not {"input", "output"} <= set(value) <= OVERRIDE_FIELDS:
        message = f"{place}: must be a table with `input` and `output`, and perhaps `cached`, `cache_write`, `request`."
        raise SettingsError(message)
    amounts = {name: _amount(f"{place}.{name}", amount) for name, amount in value.items()}
    given = Price(amounts["input"])
    return UnitPrices(
        input=given,
        output=Price(amounts["output"]),
        cached=Price(amounts.get("cached", given.base)),
        cache_write=Price(amounts.get("cache_write", given.base)),
        request=amounts.get("request", 0),
    )


def _amount(place: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < MILLION:
        message = f"{place}: must be dollars, 0 or more."
        raise SettingsError(message)
    return int(Decimal(str(value)) * NANO_PER_USD)


def load_price_list() -> None:
    """Read the list, which takes 0.3 s and 40 MB: when a gateway starts, and not when somebody waits. For a thread."""
    PriceBook().unit_prices("openai", "gpt-4o")


@lru_cache(maxsize=4096)
def _listed(provider: str, model: str, at: datetime) -> UnitPrices | None:
    """From the list, at an hour: some providers charge less at night. A look-up costs 0.2 ms, hence the cache."""
    from genai_prices import Usage as Counts  # noqa: PLC0415 - its table takes 0.3 s and 40 MB: where a gateway starts
    from genai_prices import calc_price  # noqa: PLC0415

    named, slash, rest = model.partition("/")
    if provider in RESELLERS and slash:
        provider, model = named, rest
    elif provider not in CATALOGUES and slash and named == provider:
        model = rest
    try:
        found = calc_price(
            Counts(input_tokens=1, output_tokens=1), model, provider_id=provider, genai_request_timestamp=at
        ).model_price
    except (LookupError, ValueError):
        return None
    prices = {name: _price(value) for name, value in vars(found).items() if name.endswith("_mtok")}
    given = prices.get("input_mtok", Price(0))
    per_thousand = getattr(found, "requests_kcount", None)
    return UnitPrices(
        input=given,
        output=prices.get("output_mtok", Price(0)),
        cached=prices.get("cache_read_mtok", given),
        cache_write=prices.get("cache_write_mtok", given),
        request=int(per_thousand * NANO_PER_USD / REQUESTS_PER_PRICE) if isinstance(per_thousand, Decimal) else 0,
    )


def _price(value: object) -> Price:
    base = getattr(value, "base", value)
    tiers = getattr(value, "tiers", ())
    if not isinstance(base, Decimal):
        return Price(0)
    return Price(int(base * NANO_PER_USD), tuple((tier.start, int(tier.price * NANO_PER_USD)) for tier in tiers))
