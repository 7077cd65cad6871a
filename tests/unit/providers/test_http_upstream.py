from __future__ import annotations

import asyncio
import socket

import pytest

from recollect.errors import PermissionDeniedError, UpstreamBrokenError, UpstreamConnectError
from recollect.providers.allow_list import build_allow_list
from recollect.providers.base import UpstreamRequest
from recollect.providers.http_upstream import LARGE_BODY_BYTES, HttpUpstream, Timeouts
from tests.unit.providers.raw_server import CLOSE, ok, raw_server


@pytest.fixture
async def upstream():
    running = HttpUpstream(Timeouts(connect_s=2, head_s=2, idle_s=2))
    yield running
    await running.close()


def post(server, body=b"{}", **named):
    return UpstreamRequest("POST", server.url, ((b"x-a", b"1"),), body, **named)


async def read(reply):
    body = b"".join([chunk async for chunk in reply.chunks()])
    await reply.close()
    return body


async def read_into(seen, reply):
    async for chunk in reply.chunks():
        seen.append(chunk)


async def test_the_exact_bytes_of_a_request(upstream):
    async with raw_server(ok()) as server:
        await read(await upstream.send(post(server)))
        head = f"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nx-a: 1\r\nContent-Length: 2\r\n\r\n"
        assert server.requests == [head.encode() + b"{}"]


async def test_a_body_that_is_too_large_for_one_write_goes_out_the_same(upstream):
    body = b"x" * (LARGE_BODY_BYTES + 1)
    async with raw_server(ok()) as server:
        await read(await upstream.send(post(server, body)))
        head = f"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nx-a: 1\r\nContent-Length: {len(body)}\r\n\r\n"
        assert server.requests == [head.encode() + body]


@pytest.mark.parametrize("value", [b"1\r\nx-b: 2", b"1\nx-b: 2", b"1\r", b"1\0"])
async def test_a_header_that_would_be_two_is_not_sent(upstream, value):
    async with raw_server(ok()) as server:
        with pytest.raises(ValueError, match="header"):
            await upstream.send(post(server)._replace(headers=((b"x-a", value),)))
        assert server.requests == []


async def test_a_reply_behind_an_early_hint(upstream):
    async with raw_server(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(), ok(b"next")) as server:
        reply = await upstream.send(post(server))
        assert (reply.status, await read(reply)) == (200, b"fine")
        assert await read(await upstream.send(post(server))) == b"next"
        assert server.connections == 1


async def test_a_connection_is_free_at_the_end_of_a_reply_that_nobody_closed(upstream):
    async with raw_server(ok(), ok()) as server:
        for _ in range(2):
            reply = await upstream.send(post(server))
            assert [chunk async for chunk in reply.chunks()] == [b"fine"]
        assert server.connections == 1


async def test_connections_are_kept(upstream):
    async with raw_server(ok(), ok(), ok()) as server:
        for _ in range(3):
            assert await read(await upstream.send(post(server))) == b"fine"
        assert server.connections == 1


async def test_a_kept_connection_that_the_server_closes_is_replaced_once(upstream):
    async with raw_server(ok(), CLOSE, ok(b"again")) as server:
        await read(await upstream.send(post(server)))
        assert await read(await upstream.send(post(server))) == b"again"
        assert len(server.requests) == 3
        assert server.connections == 2


async def test_a_new_connection_that_the_server_closes_is_an_error(upstream):
    async with raw_server(CLOSE, ok()) as server:
        with pytest.raises(UpstreamConnectError, match="before it answered"):
            await upstream.send(post(server))
        assert len(server.requests) == 1


async def test_only_one_replacement(upstream):
    async with raw_server(ok(), CLOSE, CLOSE, ok()) as server:
        await read(await upstream.send(post(server)))
        with pytest.raises(UpstreamConnectError):
            await upstream.send(post(server))
        assert len(server.requests) == 3


async def test_an_upload_is_not_repeated(upstream):
    async def pieces():
        yield b"{}"

    async with raw_server(ok(), CLOSE, ok()) as server:
        await read(await upstream.send(post(server)))
        request = UpstreamRequest("POST", server.url, ((b"content-length", b"2"),), pieces())
        with pytest.raises(UpstreamConnectError):
            await upstream.send(request)
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"],
)
async def test_what_is_not_http(upstream, answer):
    async with raw_server(answer) as server:
        with pytest.raises(UpstreamBrokenError, match=f"127.0.0.1:{server.port}"):
            await upstream.send(post(server))


def in_chunks(*pieces):
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(map(in_chunk, pieces))


def in_chunk(piece):
    return b"%x\r\n%b\r\n" % (len(piece), piece)


@pytest.mark.parametrize("leave", ["close", "abort"])
@pytest.mark.parametrize(
    ("begin", "frame"),
    [(in_chunks, in_chunk), (lambda piece: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + piece, bytes)],
    ids=["chunked", "with a length"],
)
async def test_what_came_before_a_provider_broke_off_is_not_lost_on_a_slow_reader(upstream, begin, frame, leave):
    has_read_one, has_left = asyncio.Event(), asyncio.Event()

    async def read_slowly(reply, seen):
        async for chunk in reply.chunks():
            seen.append(chunk)
            has_read_one.set()
            await has_left.wait()
            await asyncio.sleep(0.05)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(begin(b"data: 1\n\n"))
        await has_read_one.wait()
        for event in (b"data: 2\n\n", b"data: 3\n\n"):
            writer.write(frame(event))
            await asyncio.sleep(0.02)
        getattr(writer if leave == "close" else writer.transport, leave)()
        has_left.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reply = await upstream.send(UpstreamRequest("POST", f"http://127.0.0.1:{port}/", (), b"{}"))
        seen = []
        with pytest.raises(UpstreamBrokenError, match="broke off"):
            await read_slowly(reply, seen)
        await reply.close()
    assert b"".join(seen) == b"data: 1\n\ndata: 2\n\ndata: 3\n\n"


async def test_what_came_before_a_provider_went_silent_is_not_lost_on_a_slow_reader():
    upstream = HttpUpstream(Timeouts(connect_s=2, head_s=2, idle_s=0.05))
    async with raw_server(in_chunks(b"data: 1\n\n", b"data: 2\n\n")) as server:
        reply = await upstream.send(post(server))
        await asyncio.sleep(0.2)
        seen = []
        with pytest.raises(UpstreamBrokenError, match="went silent"):
            await read_into(seen, reply)
        await reply.close()
        await upstream.close()
    assert b"".join(seen) == b"data: 1\n\ndata: 2\n\n"


async def test_long_and_odd_response_headers_come_through(upstream):
    odd = (
        b"X-Long: " + b"z" * 30_000,
        b"X-Latin: \xe9",
        b"X-Two: a",
        b"X-Two: b",
        b"Keep-Alive: timeout=5",
        b"Trailer: X",
    )
    async with raw_server(ok(b"", *odd)) as server:
        reply = await upstream.send(post(server))
        await reply.close()
    assert reply.headers == (
        (b"content-length", b"0"),
        (b"x-long", b"z" * 30_000),
        (b"x-latin", b"\xe9"),
        (b"x-two", b"a"),
        (b"x-two", b"b"),
    )


async def test_a_body_that_ends_with_the_connection(upstream):
    async with raw_server(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end") as server:
        assert await read(await upstream.send(post(server))) == b"to the end"


async def test_a_connection_that_was_not_read_to_the_end_is_not_used_again(upstream):
    async with raw_server(ok(b"x" * 500_000), ok(b"second")) as server:
        reply = await upstream.send(post(server))
        await reply.close()
        assert await read(await upstream.send(post(server))) == b"second"
        assert server.connections == 2


async def test_environment_proxies_are_not_used(monkeypatch, upstream):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with raw_server(ok()) as server:
        assert await read(await upstream.send(post(server))) == b"fine"


async def test_environment_proxies_are_used_where_that_is_trusted(monkeypatch):
    async with raw_server(ok(b"by proxy")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        upstream = HttpUpstream(trusts_environment=True)
        reply = await upstream.send(UpstreamRequest("POST", "http://provider.example/v1", (), b"{}"))
        assert await read(reply) == b"by proxy"
        assert proxy.requests[0].startswith(b"POST http://provider.example/v1 HTTP/1.1\r\n")
        await upstream.close()


async def test_it_can_be_closed_twice_and_used_again(upstream):
    async with raw_server(ok(), ok()) as server:
        await read(await upstream.send(post(server)))
        await upstream.close()
        await upstream.close()
        assert await read(await upstream.send(post(server))) == b"fine"


async def test_a_pinned_address_must_be_listed():
    async with raw_server(ok(), ok()) as server:
        refusing = HttpUpstream(allow=build_allow_list(()))
        with pytest.raises(PermissionDeniedError) as caught:
            await refusing.send(post(server, is_pinned=True))
        assert caught.value.code == "upstream_not_allowed"
        assert server.connections == 0
        allowing = HttpUpstream(allow=build_allow_list((), [f"127.0.0.1:{server.port}"]))
        assert await read(await allowing.send(post(server, is_pinned=True))) == b"fine"
        for upstream in (refusing, allowing):
            await upstream.close()


async def test_a_pinned_name_is_checked_when_the_connection_is_made(monkeypatch):
    """The name was fine when the route was made; now DNS says that it is this machine."""

    async def rebound(self, host, port, *, family=0, type=0, proto=0, flags=0):  # noqa: A002
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with raw_server(ok()) as server:
        monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", rebound)
        upstream = HttpUpstream(allow=build_allow_list(()))
        url = f"http://rebound.example:{server.port}/"
        with pytest.raises(PermissionDeniedError, match=r"rebound\.example"):
            await upstream.send(UpstreamRequest("POST", url, (), b"{}", is_pinned=True))
        assert server.connections == 0
        assert await read(await upstream.send(UpstreamRequest("POST", url, (), b"{}"))) == b"fine"
        await upstream.close()
