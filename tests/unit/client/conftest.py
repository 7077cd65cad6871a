"""A gateway of a few lines: it records what it receives and answers like the real one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from recollect.client.in_process import InProcessGateway

MEMORY = {"id": "m1", "kind": "passage", "text": "I love hiking", "score": 0.9, "sources": []}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"hobby": "hiking"}'}}
    ],
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "metadata": {"topic": "sport"},
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": '{"hobby": "hiking"}', "annotations": []}],
        }
    ],
}


@dataclass
class FakeGateway:
    """An ASGI application. ``gate`` holds streams back after their first event until it is set."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    was_disconnected: bool = False
    has_started: bool = False
    has_stopped: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection of the lifespan or one request."""
        if scope["type"] == "lifespan":
            await receive()
            self.has_started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.has_stopped = True
            await send({"type": "lifespan.shutdown.complete"})
            return
        message = await receive()
        body = json.loads(message["body"] or b"null")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append({"path": scope["path"], "query": scope["query_string"], "headers": headers, "body": body})
        await self.answer(scope["path"], body, headers, receive, send)

    async def answer(self, path: str, body: Any, headers: dict[str, str], receive: Any, send: Any) -> None:
        """Answer by path."""
        if path.endswith("/die"):
            return
        if path.endswith("/break"):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            return
        if path.endswith("/flood"):
            await self.flood(receive, send)
            return
        if body and body.get("stream"):
            await self.stream(receive, send)
            return
        reply = dict(RESPONSE if path.endswith("/responses") else COMPLETION)
        if path.startswith("/v1/memory/"):
            reply = {"data": [MEMORY], "took_ms": 1.5, "stored": 1, "duplicates": 0, "session_id": "s", "indexed": True}
        elif headers.get("x-memory-verbose") == "true":
            reply["metadata"] = {**reply.get("metadata", {}), "memories": [MEMORY]}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(reply).encode(), "more_body": False})

    async def stream(self, receive: Any, send: Any) -> None:
        """Two events, the second once the gate is open; notice a client that leaves between them."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for text in ("hik", "ing"):
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
            chunk["choices"] = [{"index": 0, "delta": {"content": text}, "finish_reason": None}]
            await send(
                {"type": "http.response.body", "body": f"data: {json.dumps(chunk)}\n\n".encode(), "more_body": True}
            )
            if self.gate is not None:
                leaving, opening = asyncio.ensure_future(receive()), asyncio.ensure_future(self.gate.wait())
                await asyncio.wait({leaving, opening}, return_when=asyncio.FIRST_COMPLETED)
                opening.cancel()
                if leaving.done():
                    self.was_disconnected = leaving.result()["type"] == "http.disconnect"
                    return
                leaving.cancel()
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})

    async def flood(self, receive: Any, send: Any) -> None:
        """More than anybody reads, counted."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.sent = 0
        for _ in range(64):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            self.sent += 1
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture
def fake() -> FakeGateway:
    """The application."""
    return FakeGateway()


@pytest.fixture
def gateway(fake: FakeGateway) -> Any:
    """The application, running in a thread."""
    running = InProcessGateway(lambda: fake)
    yield running
    running.stop()
