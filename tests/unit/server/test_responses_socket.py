"""The WebSocket mode of /responses, through a real gateway to a scripted provider."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager, closing

import aiohttp
import pytest
from aiohttp import web

from recollect.bootstrap import open_gateway
from recollect.server.app import GatewayApp
from recollect.server.run import AnnouncingServer, server_config
from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.unit.server.fakes import some_settings

LAST = ("response.completed", "response.failed", "response.incomplete", "error")


@asynccontextmanager
async def gateway_to(base_url, tmp_path, **flags):
    """A served gateway whose provider is at ``base_url``; yields (app, port)."""
    settings = some_settings(
        data_dir=str(tmp_path),
        store={"kind": "memory"},
        embedder={"kind": "none"},
        providers={"openai": {"base_url": base_url, "api_key": "sk-theirs"}},
        **flags,
    )
    app = GatewayApp(settings, open_gateway)
    await app.startup()
    config = server_config(settings, app=app)
    config.lifespan = "off"
    started = asyncio.Event()
    server = AnnouncingServer(config, started.set)
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server._serve([listener]))
        await asyncio.wait_for(started.wait(), 10)
        try:
            yield app, listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task
            await app.shutdown()


@asynccontextmanager
async def connected(port, query="", **headers):
    async with aiohttp.ClientSession() as session:
        url = f"ws://127.0.0.1:{port}/v1/responses{query}"
        async with session.ws_connect(url, headers={name.replace("_", "-"): v for name, v in headers.items()}) as ws:
            yield ws


async def ask(ws, text, **more):
    """Send one frame, and read the events up to the last."""
    frame = {"type": "response.create", "model": "openai/gpt-5", "input": text, **more}
    await ws.send_str(json.dumps(frame))
    return await answer(ws)


async def answer(ws):
    events = []
    while not events or events[-1]["type"] not in LAST:
        events.append(json.loads(await asyncio.wait_for(ws.receive_str(), 10)))
    return events


def frames(provider):
    return [received for received in provider.requests if received.body]


def handshakes(provider):
    return [received for received in provider.requests if not received.body]


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text="Noted.")) as provider:
        yield provider


async def test_a_frame_is_an_exchange_with_memory(provider, tmp_path):
    async with gateway_to(provider.base_url, tmp_path) as (_, port):
        async with connected(port, X_Memory_User="ann") as ws:
            events = await ask(ws, "I love hiking in the Alps")
        assert events[0]["type"] == "response.created"
        assert events[-1]["type"] == "response.completed"
        async with connected(port, X_Memory_User="ann") as ws:
            await ask(ws, "Where do I love hiking?", session_id="another")
    first, second = [received.json() for received in frames(provider)]
    assert first == {"type": "response.create", "model": "gpt-5", "input": "I love hiking in the Alps"}
    assert "I love hiking in the Alps" in json.dumps(second)
    assert "session_id" not in second
    assert provider.requests[0].header("authorization") == "Bearer sk-theirs"


async def test_frames_share_one_connection_to_the_provider(provider, tmp_path):
    async with gateway_to(provider.base_url, tmp_path) as (_, port), connected(port, "?memory=off") as ws:
        await ask(ws, "one", previous_response_id="resp_0", store=False)
        await ask(ws, "two", generate=False)
    assert [one.json()["input"] for one in frames(provider)] == ["one", "two"]
    assert frames(provider)[1].json()["generate"] is False
    assert len(handshakes(provider)) == 1


async def test_frames_that_come_at_once_are_answered_in_turn(provider, tmp_path):
    async with gateway_to(provider.base_url, tmp_path) as (_, port), connected(port, "?memory=off") as ws:
        for text in ("one", "two"):
            await ws.send_str(json.dumps({"type": "response.create", "model": "openai/gpt-5", "input": text}))
        kinds = [event["type"] for event in await answer(ws) + await answer(ws)]
    assert kinds.count("response.completed") == 2
    assert kinds[0] == kinds[len(kinds) // 2] == "response.created"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_frame"),
        ('{"type":"response.destroy"}', "invalid_frame"),
        ('{"type":"response.create","model":"openai/gpt-5","input":7}', None),
    ],
)
async def test_what_is_malformed_is_an_error_event_and_the_connection_goes_on(provider, tmp_path, frame, code):
    async with gateway_to(provider.base_url, tmp_path) as (_, port), connected(port) as ws:
        await ws.send_str(frame)
        event = json.loads(await asyncio.wait_for(ws.receive_str(), 10))
        assert (event["type"], event["status"]) == ("error", 400)
        assert code is None or event["error"]["code"] == code
        assert (await ask(ws, "still here"))[-1]["type"] == "response.completed"


async def test_a_provider_that_breaks_off_is_an_error_event(provider, tmp_path):
    provider.then(Script(), Script(cut_after=2))  # the handshake takes one as well
    async with gateway_to(provider.base_url, tmp_path) as (_, port), connected(port) as ws:
        events = await ask(ws, "hello")
        assert (events[-1]["type"], events[-1]["error"]["code"]) == ("error", "upstream_broken")
        assert (await ask(ws, "again"))[-1]["type"] == "response.completed"


async def test_the_built_in_model_answers_too(provider, tmp_path):
    async with gateway_to(provider.base_url, tmp_path) as (_, port), connected(port) as ws:
        events = await ask(ws, "hello", model="recollect/recall")
    assert events[-1]["type"] == "response.completed"
    assert provider.requests == []


@asynccontextmanager
async def served(handler):
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def test_a_provider_without_websockets_is_asked_over_http(tmp_path):
    asked = []

    async def http_only(request):
        if "upgrade" in request.headers:
            return web.json_response({"error": {"message": "no"}}, status=426)
        asked.append((request.method, await request.json()))
        done = '{"type":"response.completed","response":{"id":"resp_1","output":[]}}'
        text = f'event: response.created\r\ndata: {{"type":"response.created"}}\r\n\r\ndata: {done}\r\n\r\n'
        return web.Response(text=text, content_type="text/event-stream")

    async with served(http_only) as url, gateway_to(url, tmp_path) as (_, port), connected(port, "?memory=off") as ws:
        events = await ask(ws, "hello", store=False)
        await ask(ws, "again")
    assert [event["type"] for event in events] == ["response.created", "response.completed"]
    assert asked[0] == ("POST", {"stream": True, "model": "gpt-5", "input": "hello", "store": False})
    assert len(asked) == 2


async def test_a_providers_refusal_is_passed_on(tmp_path):
    async def refuse(request):
        return web.json_response({"error": {"message": "bad key", "code": "invalid_api_key"}}, status=401)

    async with served(refuse) as url, gateway_to(url, tmp_path) as (_, port), connected(port) as ws:
        (event,) = await ask(ws, "hello")
    assert event == {"type": "error", "status": 401, "error": {"message": "bad key", "code": "invalid_api_key"}}


async def test_a_client_that_leaves_cancels_what_the_provider_does(tmp_path):
    asked, left = asyncio.Event(), asyncio.Event()

    async def hang(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            asked.set()
        left.set()
        return ws

    async with served(hang) as url, gateway_to(url, tmp_path) as (_, port):
        async with connected(port) as ws:
            await ws.send_str(json.dumps({"type": "response.create", "model": "openai/gpt-5", "input": "x"}))
            await asyncio.wait_for(asked.wait(), 10)
        await asyncio.wait_for(left.wait(), 10)


async def test_who_may_not_call_is_refused_before_the_connection_is_accepted(provider, tmp_path):
    async with gateway_to(provider.base_url, tmp_path) as (_, port):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with connected(port, Origin="https://evil.example"):
                pass
        assert caught.value.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with connected(port, X_Memory_Key="mk_wrong"):
                pass
        assert caught.value.status == 401


async def test_other_websockets_are_refused_so_that_clients_fall_back(provider, tmp_path):
    async with gateway_to(provider.base_url, tmp_path) as (_, port), aiohttp.ClientSession() as session:
        for path in ("/v1/chat/completions", "/v1/memory/search"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"ws://127.0.0.1:{port}{path}")
            assert caught.value.status == 426


async def test_too_many_waiting_frames_end_the_connection(tmp_path):
    async def hang(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        return ws

    async with served(hang) as url, gateway_to(url, tmp_path) as (_, port), connected(port) as ws:
        for number in range(20):
            frame = {"type": "response.create", "model": "openai/gpt-5", "input": str(number)}
            await ws.send_str(json.dumps(frame))
        message = await asyncio.wait_for(ws.receive(), 10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
