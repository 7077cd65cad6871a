"""What only a socket shows: drains, departures, old protocols, bodies of every framing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, closing

import pytest

from recollect.errors import SettingsError
from recollect.server.protocol import MAX_HEAD_BYTES
from recollect.server.run import AnnouncingServer, serve, server_config
from tests.unit.server.fakes import FakeGateway, running, some_settings

CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"


@asynccontextmanager
async def listening(gateway: FakeGateway, **flags: object):
    """A uvicorn server in this loop; yields (server, port)."""
    async with running(gateway, **flags) as app:
        config = server_config(app.settings, app=app)
        config.lifespan = "off"
        started = asyncio.Event()
        server = AnnouncingServer(config, started.set)
        with closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            task = asyncio.create_task(server._serve([listener]))
            await asyncio.wait_for(started.wait(), 10)
            try:
                yield server, listener.getsockname()[1]
            finally:
                server.should_exit = True
                await task


async def talk(port: int, *sent: bytes) -> bytes:
    """Send, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in sent:
        writer.write(piece)
        await writer.drain()
    received = await reader.read()
    writer.close()
    return received


def with_body(body: bytes, *headers: bytes) -> bytes:
    fields = b"".join(header + b"\r\n" for header in (*headers, b"Content-Length: %d" % len(body)))
    return CHAT + b"Connection: close\r\n" + fields + b"\r\n" + body


async def echo(request, sink):
    body = request.body if isinstance(request.body, bytes) else b"".join([chunk async for chunk in request.body])
    await sink.start(200, ((b"content-length", b"%d" % len(body)),))
    await sink.send(body)
    await sink.end()


async def stream(request, sink):
    await sink.start(200, ((b"content-type", b"text/event-stream"),))
    for number in range(3):
        await sink.send(b"data: %d\n\n" % number)
    await sink.end()


async def test_a_reply_has_nothing_of_the_servers_own(gateway):
    async with listening(gateway) as (_, port):
        reply = await talk(port, with_body(b"{}"))
    head = reply.partition(b"\r\n\r\n")[0].lower()
    assert b"server:" not in head
    assert b"date:" not in head


async def test_chunked_bodies_and_bodies_in_pieces(gateway):
    gateway.pipeline.handler = echo
    async with listening(gateway) as (_, port):
        chunked = CHAT + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        reply = await talk(port, chunked, b"3\r\n{", b'"a\r\n5\r\n":12}\r\n', b"0\r\n\r\n")
    assert reply.endswith(b'\r\n\r\n{"a":12}')
    assert gateway.pipeline.request.body == b'{"a":12}'


async def test_a_client_that_waits_for_continue_is_told_to_go_on(gateway):
    gateway.pipeline.handler = echo
    async with listening(gateway) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHAT + b"Connection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.read()).endswith(b"\r\n\r\n{}")
        writer.close()


async def test_a_client_that_waits_for_continue_is_refused_before_it_sends(gateway):
    async with listening(gateway, limits={"max_body_bytes": 2000}) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHAT + b"Connection: close\r\nContent-Length: 2001\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_an_oversize_body_is_answered_though_it_is_still_being_sent(gateway):
    body = b"x" * 3_000_000
    async with listening(gateway, limits={"max_body_bytes": 2000}) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHAT + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_a_connection_is_kept_for_the_next_request(gateway):
    gateway.pipeline.handler = echo
    async with listening(gateway) as (_, port):
        first = CHAT + b"Content-Length: 2\r\n\r\n{}"
        reply = await talk(port, first, with_body(b'{"n":2}'))
    assert reply.count(b"HTTP/1.1 200") == 2


async def test_a_connection_remembers_the_head_of_its_last_request(gateway):
    async with listening(gateway) as (_, port):
        asked = [CHAT + b"Content-Length: %d\r\n%b\r\n%b" % one for one in ((2, b"", b"{}"), (3, b"", b"{ }"))]
        other = CHAT + b"X-Memory-User: ann\r\nContent-Length: 2\r\n\r\n{}"
        await talk(port, *asked, other, with_body(b"{}"))
        await talk(port, with_body(b"{}"))
    first, second, third, fourth, fifth = (request.known for request in gateway.pipeline.requests)
    assert first is second
    assert third.fields[b"x-memory-user"] == b"ann"
    assert b"x-memory-user" not in fourth.fields
    assert fourth.headers == fifth.headers
    assert fourth is not fifth


@pytest.mark.parametrize("piece", [b"", b"{"])
async def test_a_reply_that_is_aborted_has_sent_its_head(gateway, piece):
    async def break_off(request, sink):
        await sink.start(200, ((b"content-length", b"9"),))
        if piece:
            await sink.send(piece)
        await sink.abort()

    gateway.pipeline.handler = break_off
    async with listening(gateway) as (_, port):
        reply = await talk(port, CHAT + b"Content-Length: 2\r\n\r\n{}")
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert reply.endswith(b"\r\n\r\n" + piece)


@pytest.mark.parametrize("field", [(b"x-a", b"1\r\nx-b: 2"), (b"x a", b"1"), (b"x-a\r\n", b"1"), (b"x-a", b"\0")])
async def test_a_header_cannot_begin_another_one(gateway, field):
    async def inject(request, sink):
        await sink.start(200, (field, (b"content-length", b"0")))
        await sink.end()

    gateway.pipeline.handler = inject
    async with listening(gateway) as (_, port):
        reply = await talk(port, with_body(b"{}"))
    assert b"x-b" not in reply
    assert not reply.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", b"a\tb", b""])
async def test_what_a_header_may_say_is_passed_on(gateway, value):
    async def answer(request, sink):
        await sink.start(200, ((b"x-a", value), (b"content-length", b"0")))
        await sink.end()

    gateway.pipeline.handler = answer
    async with listening(gateway) as (_, port):
        reply = await talk(port, with_body(b"{}"))
    assert b"\r\nx-a: %b\r\n" % value in reply


async def test_an_http_1_0_client_gets_no_chunks(gateway):
    gateway.pipeline.handler = stream
    request = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}"
    async with listening(gateway) as (_, port):
        head, _, body = (await talk(port, request)).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower()
    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


async def test_an_http_1_0_client_gets_a_length_where_there_is_one(gateway):
    gateway.pipeline.handler = echo
    request = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}"
    async with listening(gateway) as (_, port):
        reply = await talk(port, request)
    assert b"content-length: 2\r\n" in reply
    assert reply.endswith(b"\r\n\r\n{}")


async def test_a_reply_that_breaks_off_is_seen_to_be_incomplete(gateway):
    async def break_off(request, sink):
        await sink.start(200, ((b"content-type", b"text/event-stream"),))
        await sink.send(b"data: 1\n\n")
        await sink.abort()

    gateway.pipeline.handler = break_off
    async with listening(gateway) as (_, port):
        reply = await talk(port, with_body(b"{}"))
    assert b"data: 1" in reply
    assert not reply.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_client_that_hangs_up_cancels_the_exchange(gateway, has_begun):
    entered = asyncio.Event()

    async def wait(request, sink):
        if has_begun:
            await sink.start(200, ((b"content-type", b"text/event-stream"),))
            await sink.send(b"data: 1\n\n")
        entered.set()
        await asyncio.sleep(60)

    gateway.pipeline.handler = wait
    async with listening(gateway) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(with_body(b"{}"))
        await entered.wait()
        writer.close()
        await asyncio.wait_for(gateway.pipeline.cancelled.wait(), 5)


async def test_what_runs_may_end_before_the_server_does(gateway):
    entered, may_end = asyncio.Event(), asyncio.Event()

    async def slow(request, sink):
        entered.set()
        await may_end.wait()
        await echo(request, sink)

    gateway.pipeline.handler = slow
    async with listening(gateway, limits={"drain_s": 5}) as (server, port):
        reply = asyncio.create_task(talk(port, CHAT + b"Content-Length: 2\r\n\r\n{}"))
        await entered.wait()
        server.should_exit = True
        await asyncio.sleep(0.2)
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", port)
        may_end.set()
        assert (await reply).endswith(b"\r\n\r\n{}")


async def test_a_drain_has_an_end(gateway):
    entered = asyncio.Event()

    async def forever(request, sink):
        entered.set()
        await asyncio.sleep(3600)

    gateway.pipeline.handler = forever
    async with listening(gateway, limits={"drain_s": 0}) as (server, port):
        reply = asyncio.create_task(talk(port, with_body(b"{}")))
        await entered.wait()
        server.should_exit = True
        await asyncio.wait_for(gateway.pipeline.cancelled.wait(), 10)
        await reply


async def test_a_head_without_end_is_refused(gateway):
    async with listening(gateway) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = asyncio.create_task(reader.readline())
        writer.write(CHAT + b"X-Long: ")
        piece = b"a" * 65_536
        for _ in range(4 * MAX_HEAD_BYTES // len(piece)):
            if answer.done():
                break
            writer.write(piece)
            await asyncio.sleep(0.02)
        assert (await answer).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_what_is_no_http_gets_an_answer_in_our_shape(gateway):
    async with listening(gateway) as (_, port):
        reply = await talk(port, b"NONSENSE\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_http"


def test_a_port_in_use_is_said_before_anything_is_built():
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match="--port"):
            serve(some_settings(port=taken.getsockname()[1]))


async def test_the_threads_of_a_server_process_take_turns_quickly():
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    try:
        async with listening(FakeGateway()):
            assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(before)


def test_a_process_serves_drains_on_sigterm_and_ends(tmp_path):
    program = (
        "from recollect.server.run import serve\n"
        "from recollect.settings import load_settings\n"
        "serve(load_settings({'port': 0, 'store.kind': 'memory', 'embedder.kind': 'none'}))\n"
    )
    environment = {**os.environ, "RECOLLECT_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment)
    with process:
        line = process.stderr.readline()
        port = int(line.rpartition(":")[2].partition("/")[0])
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) in {0, -signal.SIGTERM}
        assert "Traceback" not in process.stderr.read()
