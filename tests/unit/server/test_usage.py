"""``GET /v1/memory/usage`` and what ``/metrics`` tells of it, on the in-memory store."""

from __future__ import annotations

import json
from datetime import date

import pytest

from recollect.domain.keys import KeyKind
from recollect.domain.usage import Payer, UsageAccount, UsageCounts
from recollect.errors import RateLimitedError
from tests.unit.server.fakes import PROJECT, FakeGateway, exchange, running
from tests.unit.server.test_nouns import call, make_key

ONE = UsageCounts(requests=1, input_tokens=10, nano_usd=500_000_000, injected_tokens=4, memory_nano_usd=-2_000_000)


@pytest.fixture
async def gateway():
    return FakeGateway()


@pytest.fixture
async def app(gateway):
    async with running(gateway) as app:
        yield app


def note(gateway, day=4, key="", user="ann", model="m"):
    gateway.book.add(UsageAccount(date(2026, 5, day), Payer(PROJECT, key, user), "openai", model), ONE)


async def test_what_was_counted_a_moment_ago_is_told(app, gateway):
    note(gateway)
    note(gateway, day=5)
    status, found = await call(app, "GET", "/v1/memory/usage")
    assert status == 200
    assert [line["day"] for line in found["data"]] == ["2026-05-04", "2026-05-05"]
    assert (found["total"]["requests"], found["total"]["cost_usd"]) == (2, 1.0)
    assert found["total"]["memory"]["net_cost_usd"] == -0.004


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("from=2026-05-05", 1),
        ("to=2026-05-04", 2),
        ("from=2026-05-05T08:00:00Z&to=2026-05-05", 1),
        ("user=bob", 1),
        ("model=n", 1),
        ("key=key_1", 1),
    ],
)
async def test_it_is_restricted(app, gateway, query, requests):
    note(gateway)
    note(gateway, user="bob", key="key_1")
    note(gateway, day=5, model="n")
    _, found = await call(app, "GET", f"/v1/memory/usage?{query}")
    assert found["total"]["requests"] == requests


@pytest.mark.parametrize("query", ["group_by=colour", "from=yesterday", "colour=red"])
async def test_what_is_malformed_is_named(app, query):
    status, found = await call(app, "GET", f"/v1/memory/usage?{query}")
    assert (status, found["error"]["param"]) == (400, query.partition("=")[0])


async def test_each_key_sees_what_is_its_own(app, gateway):
    secrets = [await make_key(gateway, kind, user) for kind, user in ((KeyKind.CLIENT, None), (KeyKind.VAULT, "ann"))]
    admin = await make_key(gateway, KeyKind.ADMIN)
    client_id = next(key.id for key in await gateway.store.keys.list_keys() if key.kind is KeyKind.CLIENT)
    note(gateway, key=client_id, user="bob")
    note(gateway, user="ann")
    note(gateway, user="eve")
    for secret, requests in ((secrets[0], 1), (secrets[1], 1), (admin, 3)):
        _, found = await call(app, "GET", "/v1/memory/usage", key=secret)
        assert found["total"]["requests"] == requests


async def test_stats_hold_the_sums(app, gateway):
    note(gateway)
    _, stats = await call(app, "GET", "/v1/memory/stats")
    assert (stats["usage"]["requests"], stats["usage"]["memory"]["injected_tokens"]) == (1, 4)


async def test_metrics_hold_what_this_process_has_counted(app, gateway):
    note(gateway)
    reply = await exchange(app, "GET", "/metrics")
    assert b'recollect_ledger_tokens{kind="injected"} 4.0\n' in reply.body
    assert b"recollect_ledger_net_cost_usd -0.002\n" in reply.body


async def test_a_refusal_has_its_headers(app, gateway):
    async def refuse(request, sink):
        message = "used up"
        raise RateLimitedError(message, code="budget_exceeded", headers=((b"retry-after", b"17"),))

    gateway.pipeline.handler = refuse
    reply = await exchange(app, "POST", "/v1/chat/completions", body=b"{}")
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (429, "budget_exceeded")
    assert (b"retry-after", b"17") in reply.headers


@pytest.mark.parametrize("limits", ["5 usd/day", ["lots"], [5]])
async def test_a_keys_limits_are_checked(app, limits):
    status, found = await call(app, "POST", "/v1/memory/keys", {"limits": limits})
    assert (status, found["error"]["code"]) == (400, "invalid_limit")
