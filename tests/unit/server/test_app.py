from __future__ import annotations

import asyncio
import gzip
import json
import logging

import pytest

from recollect.errors import NotFoundError, UpstreamConnectError, UpstreamTimeoutError
from tests.unit.server.fakes import FakeGateway, exchange, running

CHAT = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}


async def body_of(request):
    if isinstance(request.body, bytes):
        return request.body
    return b"".join([chunk async for chunk in request.body])


async def test_a_dialects_request_reaches_the_pipeline_whole(app, gateway):
    reply = await exchange(app, "POST", CHAT + "?memory=off", body=[b'{"a":', b"1}"], headers={"X-Custom": "v"})
    request = gateway.pipeline.request
    assert reply.status == 200
    assert (request.method, request.path, request.query, request.body) == (
        "POST",
        "chat/completions",
        "memory=off",
        b'{"a":1}',
    )
    assert (b"x-custom", b"v") in request.headers
    assert request.forward_target is None


async def test_forward_style_keeps_target_and_query(app, gateway):
    await exchange(app, "POST", "/forward/https://api.openai.com/v1/chat/completions?api-version=1", body=b"{}")
    request = gateway.pipeline.request
    assert request.forward_target == "https://api.openai.com/v1/chat/completions"
    assert request.query == "api-version=1"
    assert request.body == b"{}"


async def test_an_upload_is_handed_on_chunk_by_chunk(app, gateway):
    seen = []

    async def upload(request, sink):
        seen.extend([chunk async for chunk in request.body])
        await sink.start(200, ())
        await sink.end()

    gateway.pipeline.handler = upload
    await exchange(
        app, "POST", "/v1/files", body=[b"one", b"", b"two"], headers={"Content-Type": "multipart/form-data"}
    )
    assert seen == [b"one", b"two"]


async def test_a_request_without_a_body_has_an_empty_one(app, gateway):
    await exchange(app, "GET", "/v1/files")
    assert gateway.pipeline.request.body == b""


async def test_head_of_models_is_answered_as_get(app, gateway):
    await exchange(app, "HEAD", "/v1/models")
    assert gateway.pipeline.request.method == "GET"


@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings"])
async def test_a_compressed_json_body_is_decoded_once(app, gateway, path):
    plain = b'{"model":"x"}'
    await exchange(app, "POST", path, body=gzip.compress(plain), headers={**JSON, "Content-Encoding": "gzip"})
    request = gateway.pipeline.request
    assert request.body == plain
    assert request.header(b"content-encoding") is None
    assert request.header(b"content-length") is None


async def test_a_compressed_body_that_is_too_large_inside_is_refused(gateway):
    async with running(gateway, limits={"max_body_bytes": 2000}) as app:
        headers = {**JSON, "Content-Encoding": "gzip"}
        reply = await exchange(app, "POST", CHAT, body=gzip.compress(b" " * 5000), headers=headers)
    assert reply.status == 413
    assert gateway.pipeline.requests == []


async def test_a_body_that_admits_to_its_size_is_refused_before_it_is_read(gateway):
    async with running(gateway, limits={"max_body_bytes": 2000}) as app:
        never = [b"x"] * 3
        reply = await exchange(app, "POST", CHAT, body=never, headers={"Content-Length": "2001"})
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (413, "payload_too_large")
    assert "max_body_bytes" in json.loads(reply.body)["error"]["message"]


async def test_a_chunked_body_is_refused_once_it_is_over_the_limit(gateway):
    async with running(gateway, limits={"max_body_bytes": 2000}) as app:
        reply = await exchange(app, "POST", CHAT, body=[b"x" * 1500, b"x" * 501])
    assert reply.status == 413


async def test_an_upload_over_its_limit_is_refused_in_the_middle(gateway):
    async def upload(request, sink):
        await body_of(request)

    gateway.pipeline.handler = upload
    async with running(gateway, limits={"max_upload_bytes": 2000}) as app:
        reply = await exchange(app, "POST", "/v1/files", body=[b"x" * 1500, b"x" * 501, b"x"])
    assert reply.status == 413


@pytest.mark.parametrize("length", ["-1", "abc", "1.5"])
async def test_a_content_length_that_is_no_number(app, length):
    reply = await exchange(app, "POST", CHAT, body=b"{}", headers={"Content-Length": length})
    assert (reply.status, json.loads(reply.body)["error"]["param"]) == (400, "Content-Length")


async def test_a_client_that_falls_silent_in_its_body(gateway):
    async with running(gateway, limits={"body_timeout_s": 0.05}) as app:

        async def receive():
            await asyncio.sleep(60)

        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": CHAT,
            "query_string": b"",
            "headers": [(b"content-length", b"5")],
            "client": ("127.0.0.1", 1),
        }
        await app(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_an_error_of_the_pipeline_is_openais_envelope(app, gateway):
    async def refuse(request, sink):
        message = "no such thing"
        raise NotFoundError(message, code="model_not_found", param="model")

    gateway.pipeline.handler = refuse
    reply = await exchange(app, "POST", CHAT, body=b"{}")
    assert reply.status == 404
    assert json.loads(reply.body) == {
        "error": {
            "message": "no such thing",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }
    assert reply.header("x-memory-request-id").startswith("req_")


async def test_an_error_on_anthropics_path_is_anthropics(app, gateway):
    async def fail(request, sink):
        message = "no such user"
        raise NotFoundError(message)

    gateway.pipeline.handler = fail
    reply = await exchange(app, "POST", "/v1/messages", body=b"{}", headers=JSON)
    assert reply.status == 404
    error = {"type": "not_found_error", "message": "no such user"}
    assert json.loads(reply.body) == {"type": "error", "error": error}


async def test_an_error_behind_the_head_leaves_the_body_incomplete(app, gateway):
    async def break_off(request, sink):
        await sink.start(200, ())
        await sink.send(b"half")
        message = "gone"
        raise UpstreamTimeoutError(message)

    gateway.pipeline.handler = break_off
    reply = await exchange(app, "POST", CHAT, body=b"{}")
    assert (reply.status, reply.body, reply.is_complete) == (200, b"half", False)


async def test_a_defect_is_a_500_that_tells_no_text_and_is_logged_without_it(app, gateway, caplog):
    async def fail(request, sink):
        message = "the user said: my secret"
        raise ValueError(message)

    gateway.pipeline.handler = fail
    with caplog.at_level(logging.DEBUG):
        reply = await exchange(app, "POST", CHAT, body=b"{}")
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"]) == (500, "server_error")
    assert reply.header("x-memory-request-id") in error["message"]
    assert "ValueError" in caplog.text
    assert "test_app.py" in caplog.text
    assert "secret" not in caplog.text + error["message"]


async def test_a_client_that_leaves_before_the_first_byte_cancels_the_exchange(app, gateway):
    leaves = asyncio.Event()

    async def wait(request, sink):
        leaves.set()
        await asyncio.sleep(60)

    gateway.pipeline.handler = wait
    reply = await exchange(app, "POST", CHAT, body=b"{}", leaves=leaves)
    assert gateway.pipeline.cancelled.is_set()
    assert reply.status == 0
    assert app.counters.disconnects == 1
    assert app.counters.in_flight == 0


async def test_a_client_that_leaves_in_mid_stream_cancels_the_exchange(app, gateway):
    leaves = asyncio.Event()

    async def stream(request, sink):
        await sink.start(200, ((b"content-type", b"text/event-stream"),))
        await sink.send(b"data: 1\n\n")
        leaves.set()
        await asyncio.sleep(60)

    gateway.pipeline.handler = stream
    reply = await exchange(app, "POST", CHAT, body=b"{}", leaves=leaves)
    assert gateway.pipeline.cancelled.is_set()
    assert (reply.body, reply.is_complete) == (b"data: 1\n\n", False)


async def test_a_client_that_leaves_in_the_middle_of_its_upload_cancels_the_exchange(app, gateway):
    leaves = asyncio.Event()
    leaves.set()

    async def upload(request, sink):
        await body_of(request)
        await asyncio.sleep(60)

    gateway.pipeline.handler = upload
    reply = await exchange(app, "POST", "/v1/files", body=[b"x"], leaves=leaves, headers={"Content-Type": "audio/wav"})
    assert gateway.pipeline.cancelled.is_set()
    assert reply.status == 0


async def test_a_cancellation_that_is_not_the_clients_goes_on(app, gateway):
    entered = asyncio.Event()

    async def wait(request, sink):
        entered.set()
        await asyncio.sleep(60)

    gateway.pipeline.handler = wait
    task = asyncio.create_task(exchange(app, "POST", CHAT, body=b"{}"))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert app.counters.disconnects == 0


async def test_event_streams_are_not_to_be_buffered_by_proxies(app, gateway):
    async def stream(request, sink):
        await sink.start(200, ((b"content-type", b"text/event-stream; charset=utf-8"),))
        await sink.end()

    gateway.pipeline.handler = stream
    reply = await exchange(app, "POST", CHAT, body=b"{}")
    assert reply.header("x-accel-buffering") == "no"


async def test_options_without_a_browser_lists_the_methods(app):
    reply = await exchange(app, "OPTIONS", CHAT)
    assert reply.status == 204
    assert "POST" in reply.header("allow")


async def test_a_websocket_is_refused_so_that_clients_fall_back(app):
    reply = await exchange(app, "GET", "/v1/responses", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (426, "websocket_unsupported")


async def test_callers_are_told_apart(app, gateway):
    await exchange(app, "POST", CHAT, body=b"{}")
    assert gateway.pipeline.request.client_is_loopback
    await exchange(app, "POST", CHAT, body=b"{}", client=("203.0.113.7", 1))
    assert not gateway.pipeline.request.client_is_loopback
    await exchange(app, "POST", CHAT, body=b"{}", headers={"Host": "rebound.example"})
    assert not gateway.pipeline.request.client_is_loopback


async def test_lifespan_opens_and_closes_the_gateway():
    gateway = FakeGateway()
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append((message["type"], gateway.is_started, gateway.is_closed))

    async with running(FakeGateway()) as app:
        app._open_gateway = lambda settings: _ready(gateway)
        await app({"type": "lifespan"}, receive, send)
    assert sent == [
        ("lifespan.startup.complete", True, False),
        ("lifespan.shutdown.complete", True, True),
    ]


async def _ready(gateway):
    return gateway


async def test_a_start_that_fails_says_why():
    sent = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        sent.append(message)

    async def broken(settings):
        message = "the data folder is read-only"
        raise PermissionError(message)

    async with running(FakeGateway()) as app:
        app._open_gateway = broken
        await app({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": "the data folder is read-only"}]


async def test_the_access_log_has_paths_and_no_query(gateway, caplog):
    async with running(gateway, has_access_log=True) as app:
        with caplog.at_level(logging.INFO, logger="recollect.access"):
            await exchange(app, "POST", CHAT + "?q=secret", body=b"{}")
    assert "POST /v1/chat/completions surface=openai status=200 bytes=2" in caplog.text
    assert "secret" not in caplog.text


async def test_an_error_of_an_exchange_has_its_id_and_headers_and_the_log_the_same(app, gateway, caplog):
    async def fail(request, sink):
        error = UpstreamConnectError("nobody there")
        error.headers = ((b"x-memory-request-id", b"req_7"), (b"x-memory-upstream", b"a/1=upstream_unreachable"))
        raise error

    gateway.pipeline.handler = fail
    with caplog.at_level(logging.WARNING):
        reply = await exchange(app, "POST", "/v1/chat/completions", body=b"{}")
    assert (reply.status, reply.header("x-memory-upstream")) == (502, "a/1=upstream_unreachable")
    assert reply.header("x-memory-request-id") == "req_7"
    assert "req_7" in caplog.text
