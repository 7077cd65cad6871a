"""What is told of an exchange once it is over."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from recollect.errors import PermissionDeniedError, UpstreamBrokenError, UpstreamConnectError
from recollect.exchange.ports import IncomingRequest
from tests.unit.exchange.conftest import Reply, Sink

JSON = (b"content-type", b"application/json")


class Notebook:
    def __init__(self):
        self.records = []

    def ended(self, record):
        self.records.append(record)


@pytest.fixture
def notebook(gateway):
    notebook = Notebook()
    gateway.pipeline._settings = replace(gateway.pipeline._settings, watchers=(notebook,))
    return notebook


def chat(text, **fields):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields}).encode()


async def test_an_exchange_with_memory(gateway, notebook):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    sink = await gateway.post(chat("Shall we go hiking?"))
    one = notebook.records[-1]
    assert one.id == sink.headers["x-memory-request-id"]
    assert (one.method, one.path, one.dialect) == ("POST", "chat/completions", "chat/completions")
    assert (one.status, one.error, one.provider, one.model) == (200, None, "openai", "m")
    assert (one.project, one.user, one.vault is not None) == ("default", "default", True)
    assert one.session == sink.headers["x-memory-session"]
    assert (one.mode, one.memory, one.stored, len(one.memories)) == ("full", "injected", "yes", 1)
    assert one.memories[0].startswith("msg_")
    assert one.memory_tokens == int(sink.headers["x-memory-tokens"])
    assert list(one.stage_ms) == ["authenticate", "resolve", "recall", "inject", "forward", "relay"]
    assert one.is_success
    assert [(try_.outcome, try_.took_ms >= 0) for try_ in one.attempts] == [("200", True)]
    begun = list(one.stage_at_ms.values())
    assert begun == sorted(begun)
    assert sum(one.stage_ms.values()) <= one.took_ms


async def test_memory_off_and_what_passes_through(gateway, notebook):
    await gateway.post(chat("hi"), headers=((b"x-memory-mode", b"off"), (b"x-memory-user", b"ann")))
    await gateway.post(b'{"model": "e", "input": "x"}', path="embeddings")
    off, passed = notebook.records
    assert (off.status, off.mode, off.memory, off.user, off.session) == (200, "off", "off", "ann", None)
    assert (passed.status, passed.path, passed.dialect) == (200, "embeddings", None)
    assert list(passed.stage_ms) == ["authenticate", "forward", "relay"]


async def test_a_list_of_models(gateway, notebook):
    request = IncomingRequest("GET", "models", "", (), b"", client_is_loopback=True)
    await gateway.pipeline.handle(request, Sink())
    assert (notebook.records[0].path, notebook.records[0].status) == ("models", 200)


async def test_an_error_of_ours_has_its_code(gateway, notebook):
    gateway.upstream.replies = [UpstreamConnectError("nobody there")] * 20
    with pytest.raises(UpstreamConnectError):
        await gateway.post(chat("hi"))
    one = notebook.records[0]
    assert (one.status, one.error) == (UpstreamConnectError.status, UpstreamConnectError.default_code)
    assert not one.is_success


async def test_an_error_of_the_providers_is_its_status(gateway, notebook):
    gateway.upstream.replies = [Reply([b"{}"], status=404)]
    await gateway.post(chat("hi"))
    assert (notebook.records[0].status, notebook.records[0].error) == (404, None)


async def test_whoever_is_not_let_in_belongs_to_no_project(gateway, notebook):
    with pytest.raises(PermissionDeniedError):
        await gateway.post(chat("hi"), is_loopback=False)
    assert (notebook.records[0].project, notebook.records[0].status) == (None, 403)


async def test_a_reply_that_broke_off(gateway, notebook):
    delta = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    stream = ((b"content-type", b"text/event-stream"),)
    gateway.upstream.replies = [Reply([delta], headers=stream, error=UpstreamBrokenError("cut"))]
    await gateway.post(chat("hi", stream=True))
    one = notebook.records[0]
    assert (one.status, one.error, one.is_streamed) == (200, "broken_off", True)


async def test_a_client_that_left(gateway, notebook):
    class Never(Reply):
        async def chunks(self):
            await asyncio.Event().wait()
            yield b""

    gateway.upstream.replies = [Never([])]
    task = asyncio.create_task(gateway.post(chat("hi")))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notebook.records[0].error == "client_left"


async def test_shadow_tells_what_would_have_been_injected(gateway, notebook):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    body = chat("Shall we go hiking?")
    sink = await gateway.post(body, headers=((b"x-memory-mode", b"shadow"),))
    assert gateway.upstream.requests[-1].body == body
    assert notebook.records[-1].memory == sink.headers["x-memory-status"] == "shadow"
    assert len(notebook.records[-1].memories) == 1
    trace = await gateway.store.traces.find_trace("default", sink.headers["x-memory-request-id"])
    told = json.loads(trace.body)
    assert "I love hiking" in told["injected"]
    assert told["recall"]["selected"]


async def test_the_request_itself_may_be_told(gateway):
    told = []
    request = IncomingRequest("POST", "embeddings", "", (JSON,), b"{}", client_is_loopback=True, on_end=told.append)
    await gateway.pipeline.handle(request, Sink())
    assert [one.path for one in told] == ["embeddings"]
