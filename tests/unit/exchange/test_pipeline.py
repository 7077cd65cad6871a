"""One exchange from end to end, over the in-memory store."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from recollect.errors import NotFoundError, StoreUnavailableError, UpstreamBrokenError, UpstreamConnectError
from recollect.exchange.ports import IncomingRequest
from tests.unit.exchange.conftest import Reply, Sink, chat_reply


def chat(*messages, **fields):
    roles = ["user", "assistant"] * len(messages)
    return json.dumps(
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": role, "content": text} for role, text in zip(roles, messages, strict=False)],
            **fields,
        }
    ).encode()


async def test_what_was_said_is_stored_and_recalled_for_a_later_session(gateway):
    first = await gateway.post(chat("I love hiking in the hills"))
    assert first.headers["x-memory-stored"] == "yes"
    assert first.headers["x-memory-status"] == "empty"
    assert await gateway.texts() == ["I love hiking in the hills", "ok"]
    gateway.clock.advance(3600)
    second = await gateway.post(chat("Shall we go hiking?"))
    assert second.headers["x-memory-status"] == "injected"
    sent = json.loads(gateway.upstream.requests[1].body)
    assert "I love hiking in the hills" in sent["messages"][0]["content"]
    assert sent["messages"][0]["content"].endswith("\n\nShall we go hiking?")
    assert await gateway.texts() == ["I love hiking in the hills", "ok", "Shall we go hiking?", "ok"]


async def test_a_resent_history_adds_only_what_is_new_and_keeps_its_blocks(gateway):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    gateway.upstream.replies = [chat_reply("a1"), chat_reply("a2"), chat_reply("a3")]
    await gateway.post(chat("about hiking?"))
    await gateway.post(chat("about hiking?", "a1", "and hiking again?"))
    await gateway.post(chat("about hiking?", "a1", "and hiking again?", "a2", "thanks"))
    bodies = [json.loads(request.body)["messages"] for request in gateway.upstream.requests[1:]]
    assert bodies[1][:1] == bodies[0]
    assert bodies[2][:3] == bodies[1]
    assert await gateway.texts() == [
        "I love hiking",
        "ok",
        "about hiking?",
        "a1",
        "and hiking again?",
        "a2",
        "thanks",
        "a3",
    ]


async def test_a_regenerated_answer_is_a_branch(gateway):
    gateway.upstream.replies = [chat_reply("a1"), chat_reply("a2"), chat_reply("a2 better")]
    await gateway.post(chat("u1"))
    await gateway.post(chat("u1", "a1", "u2"))
    await gateway.post(chat("u1", "a1", "u2"))
    assert await gateway.texts(is_live=True) == ["u1", "a1", "u2", "a2 better"]
    assert await gateway.texts(is_live=False) == ["a2"]


async def test_a_client_that_sends_only_its_newest_message_asks_for_the_recent_ones(gateway):
    await gateway.post(chat("first words", session_id="s"))
    await gateway.post(chat("second words", session_id="s"))
    assert gateway.recaller.requests[-1].recent_session == "s"
    assert gateway.recaller.requests[-1].recent_messages > 0
    assert await gateway.texts(is_live=True) == ["first words", "ok", "second words", "ok"]


@pytest.mark.parametrize(
    ("mode", "stores", "recalls"),
    [
        ("full", True, True),
        ("read", False, True),
        ("write", True, False),
        ("off", False, False),
        ("shadow", True, False),
    ],
)
async def test_each_mode_does_what_it_says(gateway, mode, stores, recalls):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    body = chat("hiking plans?")
    reply = await gateway.post(body, headers=((b"x-memory-mode", mode.encode()),))
    assert ("hiking plans?" in await gateway.texts()) is stores
    assert (b"I love hiking" in gateway.upstream.requests[-1].body) is recalls
    if not recalls:
        assert gateway.upstream.requests[-1].body == body
    if mode == "shadow":
        assert reply.headers["x-memory-status"] == "shadow"
        trace = await gateway.store.traces.find_trace("default", reply.headers["x-memory-request-id"])
        assert "I love hiking" in json.loads(trace.body)["injected"]


async def test_mode_read_puts_its_block_back_though_nothing_is_stored(gateway):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    read = ((b"x-memory-mode", b"read"),)
    await gateway.post(chat("hiking plans?"), headers=read)
    await gateway.post(chat("hiking plans?", "ok", "thanks"), headers=read)
    first, second = (json.loads(request.body)["messages"] for request in gateway.upstream.requests[-2:])
    assert second[0] == first[0]
    assert "I love hiking" in second[0]["content"]


@pytest.mark.parametrize(
    ("scope", "kept"), [("all", ["u", "ok"]), ("input", ["u"]), ("response", ["ok"]), ("none", [])]
)
async def test_store_scopes(gateway, scope, kept):
    await gateway.post(chat("u"), headers=((b"x-memory-store", scope.encode()),))
    assert await gateway.texts() == kept


async def test_a_stream_is_relayed_chunk_by_chunk_and_captured_before_its_last_event(gateway):
    events = [
        b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n',
        b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n',
        b"data: [DONE]\n\n",
    ]
    stored_at_end = []

    class Watching(Sink):
        async def send(self, chunk):
            if b"[DONE]" in chunk:
                stored_at_end.append(await gateway.texts())
            await super().send(chunk)

    gateway.upstream.replies = [Reply(events, headers=((b"content-type", b"text/event-stream"),))]
    sink = Watching()
    await gateway.pipeline.handle(
        IncomingRequest("POST", "chat/completions", "", (), chat("hi", stream=True), client_is_loopback=True), sink
    )
    assert sink.chunks == events
    assert stored_at_end == [["hi", "Hello"]]


async def test_a_reply_that_breaks_off_is_captured_as_partial_and_the_client_sees_the_break(gateway):
    first = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n'
    gateway.upstream.replies = [
        Reply([first], headers=((b"content-type", b"text/event-stream"),), error=UpstreamBrokenError("gone"))
    ]
    sink = await gateway.post(chat("hi", stream=True))
    assert sink.aborted
    assert not sink.ended
    assert sink.chunks == [first]
    assert await gateway.texts() == ["hi", "Hel"]
    vault = await gateway.store.vaults.open_vault("default", "default", may_create=False)
    assert (await gateway.store.messages.list_messages(vault.id, limit=9))[1].is_partial


@pytest.mark.parametrize("mode", [b"full", b"off"])
@pytest.mark.parametrize(("last", "more"), [(b'data: {"cho', ()), (b"data: {}\n\n", ((b"content-encoding", b"gzip"),))])
async def test_no_error_is_told_where_it_could_not_be_read(gateway, mode, last, more):
    head = ((b"content-type", b"text/event-stream"), *more)
    gateway.upstream.replies = [Reply([last], headers=head, error=UpstreamBrokenError("gone"))]
    sink = await gateway.post(chat("hi", stream=True), headers=((b"x-memory-mode", mode),))
    assert (sink.chunks, sink.aborted, sink.ended) == ([last], True, False)


ASKED = {"chat/completions": "messages", "responses": "input", "messages": "messages"}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("chat/completions", b'data: {"error":'),
        ("responses", b"event: error\ndata: "),
        ("messages", b"event: error\ndata: "),
    ],
)
@pytest.mark.parametrize("mode", [b"full", b"off"])
@pytest.mark.parametrize("why", ["the gateway's part", "the setting"])
async def test_a_broken_stream_is_told_of_in_its_dialect(gateway, path, told, mode, why):
    error = UpstreamBrokenError("gone")
    error.is_ours = why == "the gateway's part"
    if not error.is_ours:
        gateway.pipeline._settings = replace(gateway.pipeline._settings, tells_breaks=True)
    head = ((b"content-type", b"text/event-stream"),)
    gateway.upstream.replies = [Reply([b"data: {}\n\n"], headers=head, error=error)]
    body = json.dumps({"model": "m", "stream": True, "max_tokens": 9, ASKED[path]: [{"role": "user", "content": "hi"}]})
    sink = await gateway.post(body.encode(), path=path, headers=((b"x-memory-mode", mode),))
    assert sink.chunks[1].startswith(told)
    assert sink.aborted


@pytest.mark.parametrize("mode", [b"full", b"off"])
@pytest.mark.parametrize("path", ["chat/completions", "responses", "messages"])
async def test_a_stream_breaks_off_as_the_providers_did(gateway, path, mode):
    head = ((b"content-type", b"text/event-stream"),)
    gateway.upstream.replies = [Reply([b"data: {}\n\n"], headers=head, error=UpstreamBrokenError("gone"))]
    body = json.dumps({"model": "m", "stream": True, "max_tokens": 9, ASKED[path]: [{"role": "user", "content": "hi"}]})
    sink = await gateway.post(body.encode(), path=path, headers=((b"x-memory-mode", mode),))
    assert (sink.chunks, sink.aborted, sink.ended) == ([b"data: {}\n\n"], True, False)


@pytest.mark.parametrize("mode", [b"full", b"off"])
async def test_half_a_plain_reply_is_passed_on_as_half(gateway, mode):
    half = b'{"id":"c1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hel'
    gateway.upstream.replies = [Reply([half], error=UpstreamBrokenError("gone"))]
    sink = await gateway.post(chat("hi"), headers=((b"x-memory-mode", mode),))
    assert (b"".join(sink.chunks), sink.aborted, sink.ended) == (half, True, False)
    assert (await gateway.texts())[:1] == (["hi"] if mode == b"full" else [])


async def test_a_client_that_leaves_cancels_the_provider_and_what_came_is_kept_once(gateway):
    reached = asyncio.Event()

    class Hanging(Reply):
        async def chunks(self):
            yield self.body[0]
            reached.set()
            await asyncio.sleep(30)

    first = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n'
    upstream_reply = Hanging([first], headers=((b"content-type", b"text/event-stream"),))
    gateway.upstream.replies = [upstream_reply]
    task = asyncio.create_task(gateway.post(chat("hi", stream=True)))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gateway.pipeline.drain()
    assert upstream_reply.is_closed
    assert await gateway.texts() == ["hi", "Hel"]


async def test_who_leaves_and_asks_again_at_once_is_stored_once(gateway):
    first = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n'

    class Hanging(Reply):
        async def chunks(self):
            yield self.body[0]
            reached.set()
            await asyncio.sleep(30)

    for _ in range(3):
        reached = asyncio.Event()
        gateway.upstream.replies = [Hanging([first], headers=((b"content-type", b"text/event-stream"),))]
        request = IncomingRequest("POST", "chat/completions", "", (), chat("hi", stream=True), client_is_loopback=True)
        task = asyncio.create_task(gateway.pipeline.handle(request, Sink()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await gateway.post(chat("hi"))
    assert await gateway.texts(is_live=True) == ["hi", "ok"]
    assert (await gateway.texts()).count("hi") == 1


async def test_a_providers_error_passes_and_nothing_is_stored(gateway):
    gateway.upstream.replies = [Reply([b'{"error":{"message":"no"}}'], status=400)]
    sink = await gateway.post(chat("hi"))
    assert (sink.status, sink.body) == (400, b'{"error":{"message":"no"}}')
    assert await gateway.texts() == []


async def test_an_unreachable_provider_is_the_callers_to_render(gateway):
    gateway.upstream.replies = [UpstreamConnectError("nobody there") for _ in range(3)]
    with pytest.raises(UpstreamConnectError) as caught:
        await gateway.post(chat("hi"))
    told = dict(caught.value.headers)
    assert told[b"x-memory-upstream"] == b", ".join([b"openai=upstream_unreachable"] * 3)
    assert (told[b"retry-after"], told[b"x-should-retry"]) == (b"8", b"false")
    assert (told[b"x-memory-status"], told[b"x-memory-stored"]) == (b"empty", b"no")
    assert await gateway.texts() == []


async def test_a_store_that_is_down_takes_memory_only_and_the_spool_keeps_what_was_said(gateway, monkeypatch):
    async def fail(*_args, **_kwargs):
        message = "down"
        raise StoreUnavailableError(message)

    with monkeypatch.context() as broken:
        broken.setattr(gateway.store.vaults, "open_vault", fail)
        broken.setattr(gateway.store.messages, "capture", fail)
        sink = await gateway.post(chat("older", "known", "I love hiking"))
    assert sink.status == 200
    assert sink.headers["x-memory-stored"] == "spooled"
    assert sink.headers["x-memory-status"] == "error"
    assert await gateway.spool.drain(gateway.store.messages) == 1
    assert await gateway.texts() == ["I love hiking", "ok"]


async def test_recallr_rules_an_unknown_user_is_an_error(gateway):
    headers = ((b"x-recallr-user-id", b"nobody"), (b"x-recallr-project-id", b"p"))
    with pytest.raises(NotFoundError) as caught:
        await gateway.post(chat("hi"), headers=headers)
    assert caught.value.code == "user_not_found"
    sink = await gateway.post(chat("hi"), headers=(*headers, (b"x-recallr-allow-new-user-creation", b"true")))
    assert sink.headers["x-recallr-user-id"] == "nobody"
    assert sink.headers["x-recallr-session-id"] == sink.headers["x-memory-session"]


async def test_verbose_adds_the_memories_to_the_body(gateway):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    sink = await gateway.post(chat("hiking plans?"), headers=((b"x-memory-verbose", b"true"),))
    memories = json.loads(sink.body)["metadata"]["memories"]
    assert memories[0]["text"] == "I love hiking"
    assert int(sink.headers["content-length"]) == len(sink.body)


async def test_the_trace_of_a_new_users_first_exchange_goes_with_the_user(gateway):
    sink = await gateway.post(chat("hello there"))
    name = sink.headers["x-memory-request-id"]
    vault = await gateway.store.vaults.open_vault("default", "default", may_create=False)
    assert (await gateway.store.traces.find_trace("default", name)).vault == vault.id
    await gateway.store.vaults.erase_vault(vault.id, gateway.clock.time)
    assert await gateway.store.traces.find_trace("default", name) is None


async def test_the_trace_holds_the_injected_bytes_and_goes_with_its_source(gateway):
    await gateway.post(chat("I love hiking"))
    gateway.clock.advance(3600)
    sink = await gateway.post(chat("hiking plans?"))
    trace = await gateway.store.traces.find_trace("default", sink.headers["x-memory-request-id"])
    body = json.loads(trace.body)
    assert "I love hiking" in body["injected"]
    assert body["recall"]["candidates"]
    vault = await gateway.store.vaults.open_vault("default", "default", may_create=False)
    source = (await gateway.store.messages.list_messages(vault.id, limit=1))[0]
    assert await gateway.store.messages.delete_message(vault.id, source.id)
    assert await gateway.store.traces.find_trace("default", sink.headers["x-memory-request-id"]) is None


async def test_who_settles_finds_the_trace_of_a_reply_that_was_just_given(gateway):
    put_trace = gateway.store.traces.put_trace

    async def put_slowly(trace):
        await asyncio.sleep(0.02)
        await put_trace(trace)

    gateway.store.traces.put_trace = put_slowly
    sink = Sink()
    fields = ((b"content-type", b"application/json"),)
    request = IncomingRequest("POST", "chat/completions", "", fields, chat("I love hiking"), client_is_loopback=True)
    await gateway.pipeline.handle(request, sink)
    name = sink.headers["x-memory-request-id"]
    assert await gateway.store.traces.find_trace("default", name) is None
    await gateway.pipeline.settle()
    assert await gateway.store.traces.find_trace("default", name) is not None


async def test_anything_else_passes_byte_for_byte(gateway):
    async def upload():
        yield b"--x\r\nbinary \x00\xff"
        yield b"--x--"

    sink = Sink()
    headers = ((b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"20"))
    await gateway.pipeline.handle(
        IncomingRequest("POST", "files", "", headers, upload(), client_is_loopback=True), sink
    )
    sent = gateway.upstream.requests[0]
    assert b"".join([chunk async for chunk in sent.body]) == b"--x\r\nbinary \x00\xff--x--"
    assert dict(sent.headers)[b"content-type"] == b"multipart/form-data; boundary=x"
    assert sink.status == 200


def anthropic(*messages, **fields):
    return json.dumps({"model": "claude-opus-4-6", "max_tokens": 64, "messages": messages, **fields}).encode()


def said(text):
    return {"role": "user", "content": [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]}


def message_reply(text):
    content = json.dumps([{"type": "text", "text": text}]).encode()
    return Reply(
        [b'{"id":"msg_1","type":"message","role":"assistant","content":%s,"stop_reason":"end_turn"}' % content]
    )


async def test_a_conversation_in_anthropics_dialect_has_the_same_memory(gateway):
    await gateway.post(chat("I love hiking in the hills"))
    gateway.clock.advance(3600)
    gateway.upstream.replies = [message_reply("a1"), message_reply("a2")]
    first = await gateway.post(anthropic(said("about hiking?")), path="messages")
    assert first.headers["x-memory-status"] == "injected"
    answer = {"role": "assistant", "content": [{"type": "text", "text": "a1"}]}
    plain = {"role": "user", "content": "about hiking?"}
    await gateway.post(anthropic(plain, answer, said("thanks")), path="messages")
    one, two = (json.loads(request.body)["messages"] for request in gateway.upstream.requests[1:])
    block, words = one[0]["content"]
    assert "I love hiking in the hills" in block["text"]
    assert words == said("about hiking?")["content"][0]
    assert two[0]["content"] == [block, {"type": "text", "text": "about hiking?"}]
    assert two[1:] == [answer, said("thanks")]
    assert await gateway.texts() == ["I love hiking in the hills", "ok", "about hiking?", "a1", "thanks", "a2"]


async def test_anthropics_stream_is_captured_before_its_last_event(gateway):
    events = [
        {"type": "message_start", "message": {"id": "msg_1"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "message_stop"},
    ]
    chunks = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    seen = []

    async def after_the_end():
        seen.extend(await gateway.texts())

    class Watching(Reply):
        async def chunks(self):
            for chunk in self.body:
                yield chunk
            await after_the_end()

    gateway.upstream.replies = [Watching(chunks, headers=((b"content-type", b"text/event-stream"),))]
    sink = await gateway.post(anthropic(said("hi"), stream=True), path="messages")
    assert sink.body == b"".join(chunks)
    assert seen == ["hi", "Hello"]


@pytest.mark.parametrize("memory", ["off", "full"])
async def test_without_an_edit_anthropics_bytes_are_the_clients(gateway, memory):
    body = b'{ "messages":[{"role":"user","content":"\\u00e9"}],"max_tokens":1e2, "model" : "claude-x" }'
    fields = ((b"anthropic-version", b"2024-01-01"), (b"anthropic-beta", b"x-1"), (b"x-memory-mode", memory.encode()))
    await gateway.post(body, path="messages", query="beta=true", headers=fields)
    request = gateway.upstream.requests[0]
    assert request.body == body
    assert (b"anthropic-version", b"2024-01-01") in request.headers
    assert (b"anthropic-beta", b"x-1") in request.headers


async def test_metadata_names_the_user_and_is_not_stored(gateway):
    await gateway.post(anthropic(said("I love hiking"), metadata={"user_id": "alice"}), path="messages")
    assert await gateway.texts("alice") == ["I love hiking"]
    assert await gateway.texts() == []
