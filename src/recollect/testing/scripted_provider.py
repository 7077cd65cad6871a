"""A provider that says what a test tells it to: a real HTTP server on loopback, which records all that it receives.

::

    async with ScriptedProvider(Script(text="Hi, Alice.")) as provider:
        client = AsyncOpenAI(base_url=provider.base_url, api_key="any")
        ...
        assert provider.requests[0].json()["messages"][-1]["content"] == "Hello"

It also runs in a thread (``with ScriptedProvider.in_thread() as provider``) and from the command line
(``python -m recollect.testing.scripted_provider --port 9999``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from aiohttp import web

from recollect.testing import scripted_bodies as bodies
from recollect.testing import scripted_messages as messages
from recollect.testing.scripted_bodies import Answer, ToolCall
from recollect.testing.scripted_encoding import Encoder, Encoding
from recollect.testing.scripted_rules import message_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

__all__ = ["Received", "Script", "ScriptedProvider", "ToolCall"]

HOST = "127.0.0.1"
MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
SPEECH = bytes(range(256)) * 64
"""What ``audio/speech`` answers: every byte there is."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived: ``path`` with its query, headers in their order and case, the body's raw bytes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    left: threading.Event = field(default_factory=threading.Event, compare=False)

    def json(self) -> Any:  # noqa: ANN401
        """The body, parsed."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)

    async def client_left(self, timeout_s: float = 5.0) -> bool:
        """Wait until the client has gone before its reply was complete; False where it stays that long."""
        return await asyncio.to_thread(self.left.wait, timeout_s)


@dataclass(frozen=True, slots=True)
class Script:
    """How to answer.

    ``text`` may be made from the request; ``thinking`` comes before it. ``pieces`` and ``delay_s`` shape a stream. A
    ``status`` from 400 on is an error, with ``headers`` (``Retry-After`` …) as given. ``raw`` replaces the body,
    whatever the endpoint. ``cut_after``: break the connection after so many events, or in the middle of a plain body.
    ``is_reset``: break it before the head. ``hang``: never answer, or never go on after the head. ``line_end``,
    ``has_comments``, ``has_done``, ``has_spaces`` are how providers differ in writing events.
    """

    text: str | Callable[[Received], str] = "Hello! How can I help?"
    tool_calls: tuple[ToolCall, ...] = ()
    thinking: str = ""
    pieces: int = 5
    delay_s: float = 0.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    content_type: str | None = None
    cut_after: int | None = None
    is_reset: bool = False
    hang: Literal["", "before_head", "after_head"] = ""
    encoding: Encoding = ""
    line_end: Literal["\n", "\r\n", "\r"] = "\n"
    has_comments: bool = False
    has_done: bool = True
    has_spaces: bool = True


class ScriptedProvider:
    """The server. ``script`` answers every request for which no other was queued with ``then``."""

    def __init__(self, script: Script | None = None, *, port: int = 0, models: tuple[str, ...] = MODELS) -> None:
        """``port`` 0 takes a free one; nothing listens before the context is entered."""
        self.script = script or Script()
        self.requests: list[Received] = []
        self.models = models
        self._queue: deque[Script] = deque()
        self._arrival = threading.Condition()
        self._port = port
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen on loopback."""
        server = web.Server(self._handle, handler_cancellation=True, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port, reuse_address=True)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what is still being answered is cut."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @classmethod
    @contextmanager
    def in_thread(cls, script: Script | None = None, *, port: int = 0) -> Iterator[ScriptedProvider]:
        """The same server in a thread of its own, for tests without an event loop."""
        provider = cls(script, port=port)
        is_up, is_over = threading.Event(), threading.Event()

        async def run() -> None:
            async with provider:
                is_up.set()
                await asyncio.to_thread(is_over.wait)

        thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
        thread.start()
        try:
            if not is_up.wait(10):
                message = "the scripted provider did not start"
                raise RuntimeError(message)
            yield provider
        finally:
            is_over.set()
            thread.join(10)

    @property
    def base_url(self) -> str:
        """Ends where ``/chat/completions`` is appended."""
        return f"http://{HOST}:{self._port}/v1"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def last(self) -> Received:
        """The newest request."""
        return self.requests[-1]

    def then(self, *scripts: Script) -> None:
        """Answer the next requests by these scripts, one each."""
        self._queue.extend(scripts)

    def wait_for(self, count: int = 1, timeout_s: float = 5.0) -> bool:
        """Wait until so many requests have arrived in all; False where the time is over first."""
        with self._arrival:
            return self._arrival.wait_for(lambda: len(self.requests) >= count, timeout_s)

    async def arrived(self, count: int = 1, timeout_s: float = 5.0) -> bool:
        """The same, without blocking the event loop."""
        return await asyncio.to_thread(self.wait_for, count, timeout_s)

    def record(self, received: Received) -> None:
        """Take note of a request."""
        with self._arrival:
            self.requests.append(received)
            self._arrival.notify_all()

    def next_script(self) -> Script:
        """What the next request is answered by."""
        return self._queue.popleft() if self._queue else self.script

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        received = Received(
            method=request.method,
            path=request.raw_path,
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers),
            body=await request.content.read(),
        )
        self.record(received)
        try:
            return await _Reply(self, request, received, self.next_script()).send()
        except (asyncio.CancelledError, ConnectionResetError):
            received.left.set()
            raise


_DIALECTS: tuple[tuple[str, Callable[[Answer], bodies.Json], Callable[[Answer], bodies.Events]], ...] = (
    ("/chat/completions", bodies.chat_completion, bodies.chat_events),
    ("/completions", bodies.completion, bodies.completion_events),
    ("/responses", bodies.response, bodies.response_events),
    ("/messages", messages.message, messages.message_events),
)


class _Reply:
    """One reply in the making."""

    def __init__(
        self, provider: ScriptedProvider, request: web.BaseRequest, received: Received, script: Script
    ) -> None:
        self._provider = provider
        self._request = request
        self._received = received
        self.script = script
        self._path = request.path.rstrip("/")
        self._number = len(provider.requests)

    async def send(self) -> web.StreamResponse:
        script = self.script
        if script.is_reset and self._request.transport is not None:
            self._request.transport.abort()
            return web.StreamResponse()
        if script.hang == "before_head":
            await asyncio.Event().wait()
        if script.raw is not None:
            return await self._plain(script.raw, script.content_type or "application/json", script.status)
        if script.status >= 400:  # noqa: PLR2004
            make = messages.message_error if self._path.endswith("/messages") else bodies.error
            return await self._json(make(script.status, f"scripted {script.status}"), script.status)
        if self._request.headers.get("upgrade", "").lower() == "websocket":
            return await self._socket()
        if self._request.method == "GET":
            return await self._get()
        if self._path.endswith("/files"):
            size = len(self._received.body)
            return await self._json({"id": "file-scripted", "object": "file", "bytes": size, "purpose": "user_data"})
        try:
            body = self._received.json()
        except ValueError:
            return await self._json(bodies.error(400, "We could not parse the JSON body of your request."), 400)
        return await self._post(body)

    async def _socket(self) -> web.StreamResponse:
        """Responses over a WebSocket: each ``response.create`` is recorded as a request, and answered by events."""
        socket = web.WebSocketResponse(protocols=("realtime",))
        await socket.prepare(self._request)
        async for message in socket:
            received = replace(self._received, body=str(message.data).encode())
            self._provider.record(received)
            reply = _Reply(self._provider, self._request, received, self._provider.next_script())
            for number, (_, event) in enumerate(bodies.response_events(reply.answer(received.json()))):
                if number == reply.script.cut_after:
                    self._cut(socket)
                    return socket
                await socket.send_str(json.dumps(event, ensure_ascii=False))
        return socket

    async def _get(self) -> web.StreamResponse:
        if self._path.endswith("/models"):
            data = [bodies.model(name) for name in self._provider.models]
            return await self._json({"object": "list", "data": data})
        name = self._path.partition("/models/")[2]
        if name in self._provider.models:
            return await self._json(bodies.model(name))
        return await self._json(bodies.error(404, f"{self._path} does not exist"), 404)

    async def _post(self, body: dict[str, Any]) -> web.StreamResponse:
        if self._path.endswith("/embeddings"):
            return await self._json(bodies.embeddings(body))
        if self._path.endswith("/audio/speech"):
            return await self._plain(SPEECH, "audio/mpeg")
        if self._path.endswith("/messages/count_tokens"):
            return await self._json(messages.count_of_tokens(body))
        problem = message_problem(body) if self._path.endswith("/messages") else None
        if problem is not None:
            return await self._json(messages.message_error(400, problem), 400)
        known = next((dialect for dialect in _DIALECTS if self._path.endswith(dialect[0])), None)
        if known is None:
            return await self._json(bodies.error(404, f"{self._path} does not exist"), 404)
        path, make_whole, make_events = known
        answer = self.answer(body)
        if not body.get("stream"):
            return await self._json(make_whole(answer))
        return await self._events(make_events(answer), may_be_done=path.endswith("/completions"))

    def answer(self, body: dict[str, Any]) -> Answer:
        script = self.script
        prefix = {"responses": "resp", "messages": "msg"}.get(self._path.rpartition("/")[2], "chatcmpl")
        return Answer(
            id=f"{prefix}_scripted_{self._number}",
            model=str(body.get("model", "")),
            text=script.text(self._received) if callable(script.text) else script.text,
            tool_calls=script.tool_calls,
            thinking=script.thinking,
            pieces=script.pieces,
            has_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            choices=int(body.get("n") or 1),
        )

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {
            "x-request-id": f"req_scripted_{self._number}",
            "openai-processing-ms": "7",
            "x-ratelimit-remaining-requests": "4999",
            "content-type": self.script.content_type or content_type,
        }
        if self.script.encoding:
            headers["content-encoding"] = self.script.encoding
        return headers | dict(self.script.headers)

    async def _json(self, document: object, status: int | None = None) -> web.StreamResponse:
        return await self._plain(json.dumps(document, ensure_ascii=False).encode(), "application/json", status)

    async def _plain(self, body: bytes, content_type: str, status: int | None = None) -> web.StreamResponse:
        script = self.script
        encoder = Encoder(script.encoding)
        encoded = encoder.encode(body) + encoder.finish()
        reply = web.StreamResponse(status=status or script.status, headers=self._headers(content_type))
        reply.content_length = len(encoded)
        await reply.prepare(self._request)
        if script.hang == "after_head":
            await asyncio.Event().wait()
        if script.cut_after is not None:
            await reply.write(encoded[: len(encoded) // 2])
            return self._cut(reply)
        await reply.write(encoded)
        await reply.write_eof()
        return reply

    async def _events(self, events: bodies.Events, *, may_be_done: bool = True) -> web.StreamResponse:
        script = self.script
        encoder = Encoder(script.encoding)
        reply = web.StreamResponse(status=script.status, headers=self._headers("text/event-stream; charset=utf-8"))
        await reply.prepare(self._request)
        if script.hang == "after_head":
            await asyncio.Event().wait()
        for number, (name, data) in enumerate(events):
            if number == script.cut_after:
                return self._cut(reply)
            await reply.write(encoder.encode(self._event(name, json.dumps(data, ensure_ascii=False))))
            await asyncio.sleep(script.delay_s)
        if may_be_done and script.has_done:
            await reply.write(encoder.encode(self._event("", "[DONE]")))
        ending = encoder.finish()
        if ending:
            await reply.write(ending)
        await reply.write_eof()
        return reply

    def _event(self, name: str, data: str) -> bytes:
        end, space = self.script.line_end, " " if self.script.has_spaces else ""
        comment = f": keep-alive{end}{end}" if self.script.has_comments else ""
        head = f"event:{space}{name}{end}" if name else ""
        return f"{comment}{head}data:{space}{data}{end}{end}".encode()

    def _cut(self, reply: web.StreamResponse) -> web.StreamResponse:
        if self._request.transport is not None:
            self._request.transport.close()
        return reply


async def _serve(port: int, text: str) -> None:
    async with ScriptedProvider(Script(text=text), port=port) as provider:
        print(provider.base_url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted, and print the base URL."""
    parser = argparse.ArgumentParser(prog="python -m recollect.testing.scripted_provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--text", default=Script().text, help="what to answer")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(arguments.port, arguments.text))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
