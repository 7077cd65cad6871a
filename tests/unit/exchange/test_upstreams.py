"""Which upstream answers an exchange, and what is made of it where the first one does not."""

from __future__ import annotations

import asyncio
import json

import pytest

from recollect.errors import UpstreamBrokenError, UpstreamConnectError
from recollect.exchange.ports import IncomingRequest
from tests.unit.exchange.conftest import Reply, Sink, chat_reply
from tests.unit.exchange.test_pipeline import chat

BUSY = Reply([b"busy"], status=429)


def models_of(gateway):
    return [json.loads(request.body)["model"] for request in gateway.upstream.requests]


async def test_memory_happens_once_whoever_answers(gateway):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    gateway.router.others = ("second", "third")
    gateway.upstream.requests.clear()
    gateway.upstream.replies = [BUSY, UpstreamConnectError("down"), chat_reply("from the third")]
    sink = await gateway.post(chat("Shall we go hiking?"))
    assert models_of(gateway) == ["gpt-4o-mini", "second", "third"]
    blocks = {json.loads(request.body)["messages"][0]["content"] for request in gateway.upstream.requests}
    assert len(blocks) == 1
    assert "I love hiking" in blocks.pop()
    assert sink.headers["x-memory-upstream"] == "openai=429, second=upstream_unreachable, third=200"
    assert await gateway.texts() == ["I love hiking", "ok", "Shall we go hiking?", "from the third"]
    assert len(gateway.recaller.requests) == 1


async def test_only_the_models_name_changes_for_another_one(gateway):
    gateway.router.others = ("second",)
    gateway.upstream.replies = [BUSY]
    body = b'{ "temperature":1.0,"model" : "gpt-4o-mini","x":1e2, "messages":[{"role":"user","content":"\\u00e9"}]}'
    await gateway.post(body, headers=((b"x-memory-mode", b"off"),))
    assert [request.body for request in gateway.upstream.requests] == [
        body,
        body.replace(b'"gpt-4o-mini"', b'"second"'),
    ]


async def test_the_trace_tells_what_was_tried(gateway):
    gateway.router.others = ("second",)
    gateway.upstream.replies = [BUSY]
    sink = await gateway.post(chat("hi"))
    trace = json.loads((await gateway.store.traces.find_trace("default", sink.headers["x-memory-request-id"])).body)
    assert [(one["name"], one["outcome"]) for one in trace["upstream"]] == [("openai", "429"), ("second", "200")]


async def test_a_reply_that_ends_before_its_first_byte_is_asked_for_again(gateway):
    gateway.upstream.replies = [Reply([], error=UpstreamBrokenError("cut")), chat_reply("whole")]
    sink = await gateway.post(chat("hi"))
    assert b"whole" in sink.body
    assert sink.headers["x-memory-upstream"] == "openai=upstream_broken, openai=200"


async def test_no_byte_is_ever_followed_by_another_try(gateway):
    head = ((b"content-type", b"text/event-stream"),)
    gateway.upstream.replies = [Reply([b"data: {}\n\n"], headers=head, error=UpstreamBrokenError("cut"))]
    await gateway.post(chat("hi", stream=True))
    assert len(gateway.upstream.requests) == 1


@pytest.mark.parametrize("is_up", [True, False])
async def test_a_models_name_cannot_break_out_of_a_header(gateway, is_up):
    gateway.router.others = ("evil\r\nx-injected: é",)
    gateway.upstream.replies = [BUSY, *([] if is_up else [UpstreamConnectError("down")] * 3)]
    try:
        headers = (await gateway.post(chat("hi"))).headers
    except UpstreamConnectError as error:
        headers = {name.decode(): value.decode("ascii") for name, value in error.headers}
    assert headers["x-memory-upstream"].startswith("openai=429, evil%0D%0Ax-injected: %C3%A9=")


@pytest.mark.parametrize("path", ["embeddings", "moderations"])
async def test_other_calls_are_tried_again_too_and_find_their_models(gateway, path):
    gateway.router.others = ("second",)
    gateway.upstream.replies = [BUSY, BUSY, Reply([b"{}"])]
    sink = await gateway.post(b'{"model":"m","input":"x"}', path=path)
    assert (sink.status, sink.body) == (200, b"{}")
    assert models_of(gateway) == ["m", "second", "second"]


async def test_an_upload_is_sent_once(gateway):
    async def upload():
        yield b"--x--"

    gateway.upstream.replies = [BUSY]
    sink = Sink()
    headers = ((b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"5"))
    request = IncomingRequest("POST", "files", "", headers, upload(), client_is_loopback=True)
    await gateway.pipeline.handle(request, sink)
    assert sink.status == 429
    assert "x-should-retry" not in sink.headers
    assert len(gateway.upstream.requests) == 1


async def test_idempotency_keys_are_passed_on_with_each_try(gateway):
    gateway.upstream.replies = [Reply([b"busy"], status=503)]
    await gateway.post(chat("hi"), headers=((b"idempotency-key", b"k1"),))
    assert [dict(one.headers)[b"idempotency-key"] for one in gateway.upstream.requests] == [b"k1", b"k1"]


async def test_who_leaves_during_a_pause_ends_it(gateway):
    resting = asyncio.Event()

    async def rest(_seconds):
        resting.set()
        await asyncio.Event().wait()

    gateway.rest = rest
    gateway.upstream.replies = [Reply([b"busy"], status=503)]
    task = asyncio.create_task(gateway.post(chat("hi")))
    await resting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(gateway.upstream.requests) == 1
