"""What an exchange takes, counted as it passes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from recollect.accounting.book import UsageBook
from recollect.accounting.budgets import BudgetRules
from recollect.domain.budgets import parse_limits
from recollect.domain.usage import Cost, Usage, UsageCounts, UsageGroup, UsageQuery
from recollect.errors import RateLimitedError, StoreUnavailableError, UpstreamConnectError
from recollect.exchange.account import Accountant, Budgets
from recollect.exchange.ledger import LedgerKeeper
from recollect.exchange.pipeline import Pipeline
from recollect.providers.base import Provider, Route
from recollect.providers.pricing import Price, PriceBook, UnitPrices
from recollect.providers.router import Plan, Way
from recollect.providers.routes import Target
from tests.unit.exchange.conftest import Reply, chat_reply

MEMORY_OFF = ((b"x-memory-mode", b"off"),)
STREAM = ((b"content-type", b"text/event-stream"),)
PRICES = {"openai/m": UnitPrices(Price(1_000_000), Price(2_000_000), Price(100_000), Price(1_000_000))}


class NotedAccountant(Accountant):
    """Keeps what it settled."""

    __slots__ = ("costs",)

    def _settle(self, exchange, reply):
        super()._settle(exchange, reply)
        self.costs.append(exchange.cost)


@pytest.fixture
def accountant(gateway):
    return accountant_of(gateway)


def accountant_of(gateway, asks="router", store=None, reserved=0, **rules):
    prices = PriceBook(PRICES, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    registry = {"openai": Provider("openai", "http://provider/v1", has_stream_usage=True)}
    book = UsageBook(store or gateway.store.usage)
    limits = BudgetRules(**{name: parse_limits(texts) for name, texts in rules.items()})
    budgets = Budgets(store or gateway.store.usage, limits, reserved)
    ledger = LedgerKeeper(prices, book, gateway.store.messages)
    made = NotedAccountant(prices, registry, lambda _: None, book, budgets, asks)
    object.__setattr__(made, "costs", [])
    old = gateway.pipeline
    stages = replace(old._stages, remember=replace(old._stages.remember, ledger=ledger))
    gateway.pipeline = Pipeline(stages, old._catalogue, old._settings, made)
    return made


async def totals(gateway, accountant, *groups):
    await accountant.book.flush()
    query = UsageQuery("default", group_by=frozenset(map(UsageGroup, groups)))
    return await gateway.store.usage.usage(query)


def chat(**fields):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello there"}], **fields}).encode()


def answer(usage):
    return Reply([b'{"choices":[{"index":0,"message":{"content":"ok"}}],"usage":%s}' % json.dumps(usage).encode()])


@pytest.mark.parametrize("headers", [(), MEMORY_OFF])
async def test_the_providers_own_numbers_are_priced_with_memory_and_without(gateway, accountant, headers):
    details = {"cached_tokens": 60}
    gateway.upstream.replies = [
        answer({"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": details})
    ]
    await gateway.post(chat(), headers=headers)
    assert accountant.costs == [Cost("openai", "m", Usage(100, 10, 60), 40 + 6 + 20)]


@pytest.mark.parametrize("headers", [(), MEMORY_OFF])
async def test_a_stream_is_asked_for_its_count_which_the_client_does_not_see(gateway, accountant, headers):
    words = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
    count = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
    gateway.upstream.replies = [Reply([words, count, b"data: [DONE]\n\n"], headers=STREAM)]
    reply = await gateway.post(chat(stream=True), headers=headers)
    assert json.loads(gateway.upstream.requests[0].body)["stream_options"] == {"include_usage": True}
    assert reply.body == words + b"data: [DONE]\n\n"
    assert accountant.costs[0].usage == Usage(7, 2)


async def test_a_client_that_asks_itself_sees_its_count(gateway, accountant):
    count = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
    gateway.upstream.replies = [Reply([count, b"data: [DONE]\n\n"], headers=STREAM)]
    sent = chat(stream=True, stream_options={"include_usage": True})
    reply = await gateway.post(sent, headers=MEMORY_OFF)
    assert gateway.upstream.requests[0].body == sent
    assert reply.body == count + b"data: [DONE]\n\n"
    assert accountant.costs[0].usage == Usage(7, 2)


async def test_nobody_is_asked_where_the_settings_say_so(gateway):
    accountant_of(gateway, "never")
    await gateway.post(chat(stream=True), headers=MEMORY_OFF)
    assert gateway.upstream.requests[0].body == chat(stream=True)


@pytest.mark.parametrize("headers", [(), MEMORY_OFF])
async def test_without_a_count_there_is_an_estimate_that_says_so(gateway, accountant, headers):
    gateway.upstream.replies = [chat_reply("four words of it")]
    await gateway.post(chat(), headers=headers)
    usage = accountant.costs[0].usage
    assert usage.is_estimated
    assert (usage.input_tokens, usage.output_tokens) == (4, 5)


async def test_embeddings_are_counted(gateway, accountant):
    gateway.upstream.replies = [Reply([b'{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}'])]
    await gateway.post(b'{"model":"m","input":"words"}', path="embeddings")
    assert accountant.costs == [Cost("openai", "m", Usage(5), 5)]


async def test_what_the_response_cache_answers_takes_nothing(gateway, accountant):
    hit = answer({"prompt_tokens": 100, "completion_tokens": 10})
    hit.headers = (*hit.headers, (b"x-memory-cache", b"hit"))
    gateway.upstream.replies = [hit]
    await gateway.post(chat())
    assert accountant.costs == [Cost("openai", "m", Usage(), 0)]


async def test_an_error_takes_nothing(gateway, accountant):
    gateway.upstream.replies = [Reply([b'{"error":{}}'], status=400)]
    await gateway.post(chat())
    assert accountant.costs == []


async def test_a_model_without_a_price_has_tokens_and_no_cost(gateway, accountant):
    gateway.upstream.replies = [answer({"prompt_tokens": 1, "completion_tokens": 1})]
    await gateway.post(chat(model="nobody-knows-it"))
    assert (accountant.costs[0].usage, accountant.costs[0].usd) == (Usage(1, 1), None)


async def test_what_was_taken_is_added_up_for_who_took_it(gateway, accountant):
    taken = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}
    gateway.upstream.replies = [answer(taken), answer(taken)]
    await gateway.post(chat(user="alice"))
    await gateway.post(chat(user="bob"), headers=MEMORY_OFF)
    lines = await totals(gateway, accountant, "day", "key", "user", "provider", "model")
    assert [tuple(line.group.values()) for line in lines] == [
        ("2026-05-01", "", "alice", "openai", "m"),
        ("2026-05-01", "", "bob", "openai", "m"),
    ]
    expected = UsageCounts(
        requests=1, input_tokens=100, output_tokens=10, cached_tokens=60, nano_usd=66, cached_without_memory=60
    )
    assert [line.counts for line in lines] == [expected, expected]


@pytest.mark.parametrize("headers", [(), MEMORY_OFF])
async def test_a_limit_is_kept(gateway, headers):
    accountant_of(gateway, user=["2 requests/day"])
    await gateway.post(chat(), headers=headers)
    allowed = await gateway.post(chat(), headers=headers)
    assert allowed.headers["x-ratelimit-limit-requests"] == "2"
    assert allowed.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(RateLimitedError, match=r"limit of this user .*2 requests/day"):
        await gateway.post(chat(), headers=headers)
    await gateway.post(chat(user="somebody else"), headers=headers)
    assert len(gateway.upstream.requests) == 3


async def test_a_limit_holds_for_what_is_no_conversation_too(gateway):
    accountant_of(gateway, project=["1 requests/day"])
    await gateway.post(b'{"model":"m","input":"words"}', path="embeddings")
    with pytest.raises(RateLimitedError):
        await gateway.post(b'{"model":"m","prompt":"a cat"}', path="images/generations")


async def test_money_counts_as_it_was_charged(gateway):
    accountant = accountant_of(gateway, model=["0.0000002 usd/day"])
    gateway.upstream.replies = [answer({"prompt_tokens": 100, "completion_tokens": 50})]
    await gateway.post(chat())
    await accountant.book.flush()
    with pytest.raises(RateLimitedError) as caught:
        await gateway.post(chat())
    assert caught.value.code == "budget_exceeded"
    assert "the model openai/m" in caught.value.message


async def test_what_was_foreseen_and_not_taken_is_given_back(gateway):
    accountant = accountant_of(gateway, reserved=90, user=["100 tokens/day"])
    gateway.upstream.replies = [
        answer({"prompt_tokens": 5, "completion_tokens": 5}),
        Reply([b"{}"], status=400),
    ]
    await gateway.post(chat())
    await accountant.book.flush()
    await gateway.post(chat(max_tokens=20))
    await accountant.book.flush()
    gateway.upstream.replies = [UpstreamConnectError("gone") for _ in range(20)]
    with pytest.raises(UpstreamConnectError):
        await gateway.post(chat(max_tokens=20))
    await accountant.book.flush()
    gateway.upstream.replies = []
    reply = await gateway.post(chat(max_tokens=50))
    assert reply.headers["x-ratelimit-remaining-tokens"] == str(100 - 10 - 4 - 50)


async def test_a_store_that_is_away_lets_everybody_through_and_is_told_later(gateway):
    class Away:
        def __init__(self, store):
            self.store, self.is_away = store, True

        async def reserve(self, charges):
            if self.is_away:
                message = "away"
                raise StoreUnavailableError(message)
            return await self.store.reserve(charges)

        async def add_usage(self, totals, changes=()):
            await self.store.add_usage(totals, changes)

    away = Away(gateway.store.usage)
    accountant = accountant_of(gateway, store=away, user=["1 requests/day"])
    await gateway.post(chat())
    await accountant.book.flush()
    away.is_away = False
    with pytest.raises(RateLimitedError):
        await gateway.post(chat())


async def test_the_ledger_of_a_request_that_got_a_block(gateway, accountant):
    await gateway.post(chat(messages=[{"role": "user", "content": "I love hiking in the hills"}], session_id="a"))
    gateway.clock.advance(3600)
    gateway.upstream.replies = [answer({"prompt_tokens": 500, "completion_tokens": 10})]
    reply = await gateway.post(
        chat(messages=[{"role": "user", "content": "Shall we go hiking?"}], session_id="a", user="default")
    )
    trace = await gateway.store.traces.find_trace("default", reply.headers["x-memory-request-id"])
    body = json.loads(trace.body)
    assert body["cost"]["input_tokens"] == 500
    ledger = body["ledger"]
    assert ledger["injected_tokens"] > 50
    assert ledger["spared_tokens"] == 9
    assert ledger["net_cost_usd"] == pytest.approx((ledger["injected_tokens"] - 0.9) / 1e9, abs=1e-9)
    (line,) = await totals(gateway, accountant)
    assert line.counts.injected_tokens == ledger["injected_tokens"]
    assert line.counts.memory_nano_usd > 0


def two_providers(request):
    """Ways to two providers, of which the second is unknown to the accountant's registry."""
    url = f"http://provider/v1/{request.path}"
    ways = (
        Way("first", Target("first"), Route("openai", url, "m")),
        Way("second", Target("second"), Route("mistral", url, "n")),
    )
    return Plan(ways)


async def test_a_stream_is_not_asked_where_a_fallback_might_not_understand(gateway, accountant):
    gateway.router.plan = two_providers
    await gateway.post(chat(stream=True), headers=MEMORY_OFF)
    assert "stream_options" not in json.loads(gateway.upstream.requests[0].body)


async def test_who_answered_is_who_is_paid(gateway, accountant):
    gateway.router.plan = two_providers
    refusals = [Reply([b"{}"], status=503) for _ in range(9)]
    gateway.upstream.replies = [*refusals, answer({"prompt_tokens": 1, "completion_tokens": 1})]
    for _ in range(9):
        await gateway.post(chat(), headers=MEMORY_OFF)
        if accountant.costs:
            break
    assert (accountant.costs[0].provider, accountant.costs[0].model) in {("mistral", "n"), ("openai", "m")}
    last = json.loads(gateway.upstream.requests[-1].body)["model"]
    assert accountant.costs[0].model == last


async def test_without_limits_nothing_is_asked_before_a_request_is_forwarded(gateway):
    class Unasked:
        async def add_usage(self, totals, changes=()):
            assert (len(totals), list(changes)) == (1, [])

    accountant = accountant_of(gateway, store=Unasked())
    await gateway.post(chat(), headers=MEMORY_OFF)
    assert len(gateway.upstream.requests) == 1
    assert await accountant.book.flush()
