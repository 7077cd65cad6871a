"""What an exchange takes, counted as it passes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from recollect.domain.usage import Cost, Usage
from recollect.exchange.account import Accountant
from recollect.exchange.pipeline import Pipeline
from recollect.providers.base import Provider
from recollect.providers.pricing import Price, PriceBook, UnitPrices
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
    return accountant_of(gateway, "router")


def accountant_of(gateway, asks):
    book = PriceBook(PRICES, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    registry = {"openai": Provider("openai", "http://provider/v1", has_stream_usage=True)}
    made = NotedAccountant(book, registry, lambda _: None, asks)
    object.__setattr__(made, "costs", [])
    old = gateway.pipeline
    gateway.pipeline = Pipeline(old._stages, old._catalogue, old._settings, made)
    return made


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
