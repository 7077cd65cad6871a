from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recollect.domain.usage import NANO_PER_USD, Usage
from recollect.errors import SettingsError
from recollect.providers.pricing import Price, PriceBook, UnitPrices, parse_prices

BOOK = PriceBook(now=lambda: datetime(2026, 1, 15, 12, 30, tzinfo=UTC))
FLAT = UnitPrices(Price(2_000_000_000), Price(8_000_000_000), Price(500_000_000), Price(2_500_000_000))


def test_a_known_model():
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    assert BOOK.cost_nano_usd("openai", "gpt-4o", usage) == int(12.5 * NANO_PER_USD)


def test_cached_tokens_are_priced_as_such():
    usage = Usage(input_tokens=1_000_000, output_tokens=0, cached_tokens=1_000_000)
    assert BOOK.cost_nano_usd("openai", "gpt-4o", usage) == int(1.25 * NANO_PER_USD)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini-2024-07-18"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-pro"),
        ("openrouter", "openai/gpt-4o"),
        ("vercel", "openai/gpt-4o"),
        ("perplexity", "sonar-pro"),
        ("groq", "llama-3.3-70b-versatile"),
        ("x-ai", "grok-4"),
        ("mistral", "mistral-large-latest"),
        ("deepseek", "deepseek-chat"),
    ],
)
def test_models_of_many_providers_are_priced(provider, model):
    prices = BOOK.unit_prices(provider, model)
    assert prices.output.base > 0
    assert prices.cached.base <= prices.input.base


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "gpt-99"), ("ollama", "llama3"), ("home", "x"), ("openai", "")]
)
def test_a_model_that_nobody_has_priced(provider, model):
    assert BOOK.cost_nano_usd(provider, model, Usage(1, 1, 0)) is None


def test_a_price_per_request_is_added():
    nothing = Usage(input_tokens=0, output_tokens=0)
    assert BOOK.cost_nano_usd("perplexity", "sonar-pro", nothing) == 14_000_000


def test_long_requests_pay_the_tier_for_all():
    price = Price(1_000, ((200_000, 2_000),))
    assert (price.at(200_000), price.at(200_001)) == (1_000, 2_000)
    short, long = Usage(input_tokens=200_000, output_tokens=10), Usage(input_tokens=200_001, output_tokens=10)
    first, second = (BOOK.cost_nano_usd("google", "gemini-2.5-pro", usage) for usage in (short, long))
    assert second > 1.9 * first


def test_parts_of_a_token_price_are_rounded_up():
    assert FLAT.cost_nano_usd(Usage(input_tokens=1)) == 2_000
    assert UnitPrices(Price(1), Price(1), Price(1), Price(1)).cost_nano_usd(Usage(input_tokens=1)) == 1


def test_every_token_is_paid_once():
    usage = Usage(input_tokens=1000, output_tokens=100, cached_tokens=600, cache_write_tokens=300)
    expected = 100 * 2_000 + 600 * 500 + 300 * 2_500 + 100 * 8_000
    assert FLAT.cost_nano_usd(usage) == expected


def test_numbers_that_do_not_add_up_never_give_money_back():
    assert FLAT.cost_nano_usd(Usage(input_tokens=10, cached_tokens=50, cache_write_tokens=50)) == 10 * 500


def test_overrides_go_first():
    overrides = parse_prices({"openai/gpt-4o": {"input": 1, "output": 2}, "ollama/*": {"input": 0, "output": 0}})
    book = PriceBook(overrides)
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cached_tokens=500_000)
    assert book.cost_nano_usd("openai", "gpt-4o", usage) == 3 * NANO_PER_USD
    assert book.cost_nano_usd("ollama", "llama3:8b", usage) == 0
    assert book.unit_prices("openai", "gpt-4o-mini").output.base > 0


def test_all_of_an_override():
    table = {"a/b": {"input": 0.1, "output": 0.2, "cached": 0.01, "cache_write": 0.125, "request": 0.005}}
    prices = parse_prices(table)["a/b"]
    assert (prices.input.base, prices.cached.base, prices.cache_write.base) == (100_000_000, 10_000_000, 125_000_000)
    assert prices.request == 5_000_000


@pytest.mark.parametrize(
    "value", [7, {}, {"input": 1}, {"input": 1, "output": 1, "ouput": 1}, {"input": -1, "output": 1},
              {"input": "1", "output": 1}, {"input": True, "output": 1}, {"input": float("nan"), "output": 1}]
)  # fmt: skip
def test_wrong_prices_are_named(value):
    with pytest.raises(SettingsError, match=r"prices\.a/b"):
        parse_prices({"a/b": value})
