"""A provider that answers from recordings, and says whether what it was asked is what had been recorded."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from recollect.wire.memory_block import strip_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

TAPES = "/__tapes"
LIMIT = 1 << 28
NOT_REPEATED = {"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"}
"""The bodies of recordings are decoded; the rest is of one connection."""
REDACTED = "**REDACTED**"


@dataclass(slots=True)
class Interaction:
    """One request and its reply, as recorded. ``path`` is "" where the recording does not tell."""

    method: str
    path: str
    body: bytes
    status: int
    headers: list[tuple[str, str]]
    reply: bytes
    is_played: bool = False

    @classmethod
    def of(cls, given: dict[str, Any]) -> Interaction:
        """What the plugin sent."""
        url = urlsplit(given["uri"])
        headers = [
            (name, value)
            for name, value in given["headers"]
            if name.lower() not in NOT_REPEATED and value != REDACTED and "\n" not in value
        ]
        body, reply = base64.b64decode(given["body"]), base64.b64decode(given["reply"])
        path = f"/{url.scheme}/{url.netloc}{url.path}" if url.scheme else ""
        return cls(given["method"], path, body, given["status"], _typed(headers, reply), reply)


@dataclass(slots=True)
class Replay:
    """The recordings of the test that runs, and what was asked of them, counted by how it compares.

    ``equal``: the same JSON as recorded; ``but for memory``: the same once memory blocks are out; ``different``: the
    test sends something else today, or something of chance; ``missing``: nothing of the kind was recorded.
    """

    tape: list[Interaction] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def answer(self, method: str, path: str, body: bytes) -> Interaction | None:
        """The recording that fits best: those not played yet come first, in their order."""
        fitting = [entry for entry in self.tape if entry.method == method and entry.path in {"", path}]
        sent, told = _parsed(body), _parsed(body, is_stripped=True)
        for name, meant in (("equal", sent), ("but for memory", told)):
            same = [entry for entry in fitting if _parsed(entry.body) == meant]
            if same:
                return self._played(name, next((entry for entry in same if not entry.is_played), same[0]))
        unplayed = [entry for entry in fitting if not entry.is_played]
        if unplayed:
            return self._played("different", unplayed[0])
        self.counts["missing"] += 1
        return None

    def _played(self, name: str, entry: Interaction) -> Interaction:
        self.counts[name] += 1
        entry.is_played = True
        return entry

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take recordings, or answer from them."""
        body = await request.content.read()
        if request.path == TAPES:
            self.tape = [Interaction.of(given) for given in json.loads(body)]
            return web.Response()
        entry = self.answer(request.method, request.path, body)
        if entry is None:
            error = {"error": {"message": "not recorded", "type": "replay", "param": None, "code": "not_recorded"}}
            return web.json_response(error, status=400)
        reply = web.Response(status=entry.status, body=entry.reply)
        for name, value in entry.headers:
            if name.lower() == "content-type":
                reply.headers[name] = value
            else:
                reply.headers.add(name, value)
        return reply


@contextmanager
def replaying() -> Iterator[tuple[str, Replay]]:
    """The provider's address, and the provider."""
    replay, is_up, is_over, addresses = Replay(), threading.Event(), threading.Event(), [""]

    async def run() -> None:
        runner = web.ServerRunner(web.Server(replay.handle, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        addresses[0] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        is_up.set()
        await asyncio.to_thread(is_over.wait)
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    is_up.wait(10)
    try:
        yield addresses[0], replay
    finally:
        is_over.set()
        thread.join(10)


def _parsed(body: bytes, *, is_stripped: bool = False) -> Any:  # noqa: ANN401
    """JSON as a value, without what the memory gateway has put in where that is asked; else the bytes."""
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return _outside(value) if is_stripped else value


def _outside(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return strip_blocks(value)
    if isinstance(value, dict):
        return {name: _outside(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_outside(inner) for inner in value if not _is_block(inner)]
    return value


def _is_block(part: Any) -> bool:  # noqa: ANN401
    text = part.get("text") if isinstance(part, dict) else None
    return isinstance(text, str) and bool(text) and not strip_blocks(text)


def _typed(headers: list[tuple[str, str]], reply: bytes) -> list[tuple[str, str]]:
    """The headers with a content type, which some recordings have blotted out."""
    if any(name.lower() == "content-type" for name, _ in headers):
        return headers
    begin = reply.lstrip()[:6]
    kind = "application/json" if begin[:1] in {b"{", b"["} else "application/octet-stream"
    return [*headers, ("content-type", "text/event-stream" if begin.startswith((b"event:", b"data:")) else kind)]
