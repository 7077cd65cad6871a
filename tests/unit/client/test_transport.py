"""The gateway inside the process: chunk by chunk, closed, cancelled, broken off, shut down."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from recollect.client.http_flavour import httpx
from recollect.client.in_process import InProcessGateway, SharedGateways
from recollect.client.transport import AsyncInProcessTransport, InProcessTransport
from recollect.errors import RecollectError

URL = "http://localhost/v1/chat/completions"


def client_of(gateway: InProcessGateway) -> httpx.Client:
    return httpx.Client(transport=InProcessTransport(gateway, lambda: None))


def async_client_of(gateway: InProcessGateway) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=AsyncInProcessTransport(gateway, lambda: None))


async def new_event() -> asyncio.Event:
    return asyncio.Event()


async def settled() -> None:
    """Let the application's loop run what is ready."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_request_arrives_whole_and_the_reply_comes_back(gateway: InProcessGateway, fake: Any) -> None:
    reply = client_of(gateway).post(f"{URL}?memory=off", json={"model": "m"}, headers={"X-Memory-User": "alice"})
    assert reply.status_code == 200
    assert reply.json()["object"] == "chat.completion"
    request = fake.requests[0]
    assert (request["path"], request["query"], request["body"]) == (
        "/v1/chat/completions",
        b"memory=off",
        {"model": "m"},
    )
    assert request["headers"]["x-memory-user"] == "alice"


def test_a_chunk_is_there_before_the_next_one_is_sent(gateway: InProcessGateway, fake: Any) -> None:
    fake.gate = gateway.submit(new_event()).result()
    with client_of(gateway).stream("POST", URL, json={"stream": True}) as reply:
        chunks = reply.iter_raw()
        assert b"hik" in next(chunks)
        gateway.call_soon(fake.gate.set)
        assert b"ing" in b"".join(chunks)


async def test_a_chunk_is_there_before_the_next_one_is_sent_async(gateway: InProcessGateway, fake: Any) -> None:
    fake.gate = gateway.submit(new_event()).result()
    async with async_client_of(gateway).stream("POST", URL, json={"stream": True}) as reply:
        chunks = reply.aiter_raw()
        assert b"hik" in await anext(chunks)
        gateway.call_soon(fake.gate.set)
        assert b"ing" in b"".join([chunk async for chunk in chunks])


def test_closing_a_reply_early_tells_the_application(gateway: InProcessGateway, fake: Any) -> None:
    fake.gate = gateway.submit(new_event()).result()
    with client_of(gateway).stream("POST", URL, json={"stream": True}) as reply:
        next(reply.iter_raw())
    gateway.submit(settled()).result()
    assert fake.was_disconnected


async def test_cancelling_a_caller_tells_the_application(gateway: InProcessGateway, fake: Any) -> None:
    fake.gate = gateway.submit(new_event()).result()
    has_begun = asyncio.Event()

    async def read() -> None:
        async with async_client_of(gateway).stream("POST", URL, json={"stream": True}) as reply:
            async for _ in reply.aiter_raw():
                has_begun.set()

    reading = asyncio.create_task(read())
    await has_begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    gateway.submit(settled()).result()
    assert fake.was_disconnected


def test_an_application_waits_for_a_reader_that_is_behind(gateway: InProcessGateway, fake: Any) -> None:
    with client_of(gateway).stream("POST", "http://localhost/flood", json={}) as reply:
        gateway.submit(settled()).result()
        assert fake.sent < 64
        assert sum(len(chunk) for chunk in reply.iter_raw()) == 64 * 65536


@pytest.mark.parametrize("path", ["die", "break"])
def test_a_reply_that_breaks_off_is_a_broken_connection(gateway: InProcessGateway, path: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client_of(gateway).post(f"http://localhost/{path}", json={})


def test_a_silent_application_is_a_read_timeout(gateway: InProcessGateway, fake: Any) -> None:
    fake.gate = gateway.submit(new_event()).result()
    with (
        pytest.raises(httpx.ReadTimeout),
        client_of(gateway).stream("POST", URL, json={"stream": True}, timeout=0.02) as reply,
    ):
        reply.read()
    gateway.submit(settled()).result()
    assert fake.was_disconnected


async def test_a_silent_application_is_a_read_timeout_async(gateway: InProcessGateway, fake: Any) -> None:
    fake.gate = gateway.submit(new_event()).result()
    with pytest.raises(httpx.ReadTimeout):
        await async_client_of(gateway).post(URL, json={"stream": True}, timeout=0.02)


def test_many_threads_share_one_gateway(gateway: InProcessGateway, fake: Any) -> None:
    client = client_of(gateway)
    threads = [threading.Thread(target=client.post, args=(URL,), kwargs={"json": {"n": n}}) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(request["body"]["n"] for request in fake.requests) == list(range(16))


def test_stopping_ends_streams_and_runs_the_shutdown(fake: Any) -> None:
    running = InProcessGateway(lambda: fake)
    fake.gate = running.submit(new_event()).result()
    with client_of(running).stream("POST", URL, json={"stream": True}) as reply:
        next(reply.iter_raw())
        running.stop()
    assert fake.has_started
    assert fake.was_disconnected
    assert fake.has_stopped
    running.stop()


def test_a_gateway_that_cannot_be_built_says_why() -> None:
    def build() -> Any:
        message = "port: must be a number"
        raise RecollectError(message)

    with pytest.raises(RecollectError, match="port: must be a number"):
        InProcessGateway(build)


def test_a_start_up_that_fails_says_why() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "the disk is full"})

    with pytest.raises(RecollectError, match="the disk is full"):
        InProcessGateway(lambda: failing)


def test_clients_of_one_configuration_share_a_gateway_until_the_last_one_leaves(fake: Any) -> None:
    shared = SharedGateways()
    first, second = shared.acquire("a", lambda: fake), shared.acquire("a", lambda: fake)
    assert first is second
    shared.release("a")
    assert not fake.has_stopped
    shared.release("a")
    assert fake.has_stopped


def test_a_start_up_that_raises_raises_here() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "The gateway could not start."})
        message = "the model's file is damaged"
        raise RecollectError(message)

    with pytest.raises(RecollectError, match="the model's file is damaged"):
        InProcessGateway(lambda: failing)
