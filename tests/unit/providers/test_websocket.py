from __future__ import annotations

import orjson
import pytest

from recollect.errors import PermissionDeniedError, UpstreamBrokenError, UpstreamConnectError
from recollect.providers.allow_list import build_allow_list
from recollect.providers.base import UpstreamRequest
from recollect.providers.http_upstream import HttpUpstream, Timeouts
from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.unit.providers.raw_server import ok, raw_server

CREATE = '{"type": "response.create", "model": "m", "input": "hi"}'


@pytest.fixture
async def upstream():
    running = HttpUpstream(Timeouts(connect_s=2, head_s=2, idle_s=2))
    yield running
    await running.close()


@pytest.fixture
async def provider():
    async with ScriptedProvider(Script(text="Hi, Alice.")) as running:
        yield running


def request(provider, *headers, **named):
    return UpstreamRequest("GET", provider.base_url + "/responses", headers, **named)


async def events(socket):
    found = []
    async for message in socket.messages():
        found.append(orjson.loads(message))
        if found[-1]["type"] == "response.completed":
            return found
    return found


async def test_messages_go_both_ways(upstream, provider):
    socket = await upstream.connect_websocket(request(provider, (b"authorization", b"Bearer sk-1"), (b"x-a", b"1")))
    for _ in range(2):
        await socket.send(CREATE)
        assert (await events(socket))[-1]["response"]["output"][0]["content"][0]["text"] == "Hi, Alice."
    await socket.close()
    await socket.close()
    assert provider.last.body == CREATE.encode()
    assert provider.last.header("authorization") == "Bearer sk-1"
    assert provider.last.header("x-a") == "1"
    assert provider.last.header("user-agent") is None
    assert len(provider.requests) == 3


async def test_the_handshake_is_our_own(upstream, provider):
    theirs = ((b"sec-websocket-key", b"AAAA"), (b"sec-websocket-version", b"13"), (b"sec-websocket-extensions", b"x"))
    socket = await upstream.connect_websocket(request(provider, *theirs, (b"sec-websocket-protocol", b"realtime, b")))
    assert socket.subprotocol == "realtime"
    assert provider.last.header("sec-websocket-key") != "AAAA"
    assert provider.last.header("sec-websocket-extensions") is None
    assert provider.last.header("sec-websocket-protocol") == "realtime,b"
    await socket.close()


async def test_a_refusal_is_the_providers_reply(upstream):
    answer = b"HTTP/1.1 426 Upgrade Required\r\nX-Request-Id: r1\r\nContent-Length: 2\r\n\r\nno"
    async with raw_server(answer) as server:
        reply = await upstream.connect_websocket(UpstreamRequest("GET", server.url, ()))
        assert reply.status == 426
        assert reply.headers == ((b"x-request-id", b"r1"), (b"content-length", b"2"))
        assert [chunk async for chunk in reply.chunks()] == [b"no"]


async def test_redirects_are_not_followed(upstream):
    async with raw_server(ok(b"secret")) as inner:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % inner.url.encode()
        async with raw_server(moved) as server:
            reply = await upstream.connect_websocket(UpstreamRequest("GET", server.url, ()))
        assert reply.status == 307
        assert inner.requests == []


async def test_a_broken_socket_ends_the_messages(upstream, provider):
    provider.then(Script(), Script(cut_after=2))
    socket = await upstream.connect_websocket(request(provider))
    await socket.send(CREATE)
    assert [event["type"] for event in await events(socket)] == ["response.created", "response.in_progress"]
    assert socket.close_code is None
    with pytest.raises(UpstreamBrokenError, match=str(provider.port)):
        await socket.send(CREATE)


async def test_nobody_there(upstream, unused_tcp_port):
    with pytest.raises(UpstreamConnectError):
        await upstream.connect_websocket(UpstreamRequest("GET", f"ws://127.0.0.1:{unused_tcp_port}/", ()))


async def test_a_pinned_socket_must_be_listed(provider):
    refusing = HttpUpstream(allow=build_allow_list(()))
    with pytest.raises(PermissionDeniedError):
        await refusing.connect_websocket(request(provider, is_pinned=True))
    await refusing.close()
    assert provider.requests == []
