"""The formulas of docs/explanation/ledger.md."""

from __future__ import annotations

from recollect.accounting.ledger import Burden, ledger_of, without_memory
from recollect.domain.usage import Cost, Usage
from recollect.providers.pricing import Price, UnitPrices

PRICES = UnitPrices(Price(1_000_000), Price(4_000_000), Price(100_000), Price(1_250_000))
"""Nano-dollars: 1 a sent token, 4 one that comes back, 0.1 a cached one, 1.25 a written one."""


def kept(usage, burden, recall=0):
    return ledger_of(Cost("openai", "m", usage, PRICES.cost_nano_usd(usage)), burden, PRICES.cost_nano_usd, recall)


def test_what_is_put_in_costs_what_sent_tokens_cost():
    ledger = kept(Usage(1000, 10), Burden(newest=200))
    assert (ledger.injected_tokens, ledger.net_nano_usd) == (200, 200)


def test_earlier_blocks_are_taken_from_what_was_cached():
    ledger = kept(Usage(2000, 10, cached_tokens=1500), Burden(newest=100, kept=300))
    assert (ledger.cached_tokens, ledger.cached_without_memory) == (1500, 1200)
    assert ledger.net_nano_usd == 100 + 30


def test_a_newest_block_that_was_written_to_the_cache_is_priced_so():
    ledger = kept(Usage(2000, 10, cached_tokens=1500, cache_write_tokens=500), Burden(newest=100))
    assert ledger.net_nano_usd == 125


def test_history_that_was_not_sent_is_saved_at_the_price_of_cached_tokens():
    ledger = kept(Usage(300, 10), Burden(newest=200, spared=10_000))
    assert ledger.net_nano_usd == 200 - 1000


def test_browsing_is_part_of_what_memory_costs():
    ledger = kept(Usage(300, 10), Burden(recall=500), recall=777)
    assert (ledger.recall_tokens, ledger.net_nano_usd) == (500, 777)


def test_without_memory_nothing_changes():
    usage = Usage(300, 10, 100, 50)
    assert without_memory(usage, Burden()) == usage
    assert kept(usage, Burden()).net_nano_usd == 0


def test_estimates_that_exceed_the_count_go_to_zero_and_no_further():
    bare = without_memory(Usage(50, 10, 20, 5), Burden(newest=100, kept=100))
    assert (bare.input_tokens, bare.cached_tokens, bare.cache_write_tokens) == (0, 0, 0)


def test_without_a_price_there_is_no_net_cost():
    cost = Cost("home", "m", Usage(100, 1), None)
    assert ledger_of(cost, Burden(newest=10), lambda _: None).net_nano_usd is None
