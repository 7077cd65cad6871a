from __future__ import annotations

import json

import pytest

from tests.unit.server.fakes import FakeGateway, exchange, running

PAGE = "https://app.example"
CHAT = "/v1/chat/completions"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,x-stainless-os",
}


@pytest.fixture
async def open_app(gateway):
    async with running(gateway, cors={"origins": [PAGE]}) as app:
        yield app


async def test_a_browsers_question_is_answered_with_the_headers_it_asked_for(open_app):
    reply = await exchange(open_app, "OPTIONS", CHAT, headers=PREFLIGHT)
    assert reply.status == 204
    assert reply.header("access-control-allow-origin") == PAGE
    assert reply.header("access-control-allow-headers") == "authorization,x-stainless-os"
    assert "POST" in reply.header("access-control-allow-methods")
    assert [name for name, _ in reply.headers].count(b"access-control-allow-origin") == 1


async def test_a_page_that_is_configured_may_read_our_headers(open_app):
    reply = await exchange(open_app, "POST", CHAT, body=b"{}", headers={"Origin": PAGE})
    assert reply.header("access-control-allow-origin") == PAGE
    assert "X-Memory-Status" in reply.header("access-control-expose-headers")
    assert reply.header("vary") == "Origin"


async def test_errors_can_be_read_by_the_page_too(open_app):
    reply = await exchange(open_app, "POST", "/v1/memory/search", body=b"{", headers={"Origin": PAGE})
    assert (reply.status, reply.header("access-control-allow-origin")) == (400, PAGE)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", PAGE + ".evil.example"])
async def test_another_page_is_told_which_setting_would_let_it_in(open_app, origin):
    reply = await exchange(open_app, "OPTIONS", CHAT, headers={**PREFLIGHT, "Origin": origin})
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (403, "origin_not_allowed")
    assert "cors.origins" in json.loads(reply.body)["error"]["message"]
    assert reply.header("access-control-allow-origin") is None


async def test_it_is_off_until_it_is_configured(app):
    assert (await exchange(app, "OPTIONS", CHAT, headers=PREFLIGHT)).status == 403
    reply = await exchange(app, "POST", CHAT, body=b"{}", headers={"Origin": PAGE})
    assert reply.header("access-control-allow-origin") is None


async def test_the_providers_own_permission_does_not_open_this_gateway(app, gateway):
    async def provider(request, sink):
        await sink.start(200, ((b"access-control-allow-origin", b"*"), (b"x-request-id", b"r1")))
        await sink.end()

    gateway.pipeline.handler = provider
    reply = await exchange(app, "POST", CHAT, body=b"{}", headers={"Origin": "https://evil.example"})
    assert reply.header("access-control-allow-origin") is None
    assert reply.header("x-request-id") == "r1"
    untouched = await exchange(app, "POST", CHAT, body=b"{}")
    assert untouched.header("access-control-allow-origin") == "*"


async def test_any_origin():
    async with running(FakeGateway(), cors={"origins": ["*"]}) as app:
        reply = await exchange(app, "POST", CHAT, body=b"{}", headers={"Origin": "https://whoever.example"})
    assert reply.header("access-control-allow-origin") == "https://whoever.example"


async def test_a_page_may_reach_a_private_network_when_its_browser_asks(open_app):
    headers = {**PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    reply = await exchange(open_app, "OPTIONS", CHAT, headers=headers)
    assert reply.header("access-control-allow-private-network") == "true"
