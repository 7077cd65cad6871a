"""The least that a gateway written in Python can cost: raw ASGI in, aiohttp out, JSON read once on the way.

It authenticates nobody, remembers nothing and survives nothing: what a real gateway costs more than this, is its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

UPSTREAM = os.environ.get("FLOOR_UPSTREAM", "http://127.0.0.1:19100/v1")
_held: list[aiohttp.ClientSession] = []


def session() -> aiohttp.ClientSession:
    """The one session of this process, made on first use: it belongs to the server's event loop."""
    if not _held:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        _held.append(aiohttp.ClientSession(connector=connector, auto_decompress=False))
    return _held[0]


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Forward one request."""
    if scope["type"] != "http":
        return
    if scope["method"] == "GET":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})
        return
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    request = orjson.loads(body)
    headers = {"authorization": "Bearer sk-bench", "content-type": "application/json"}
    url = UPSTREAM + scope["path"].removeprefix("/v1")
    async with session().post(url, data=orjson.dumps(request), headers=headers) as reply:
        kind = reply.headers.get("content-type", "application/json").encode()
        head: list[tuple[bytes, bytes]] = [(b"content-type", kind)]
        if request.get("stream"):
            await send({"type": "http.response.start", "status": reply.status, "headers": head})
            async for chunk in reply.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        raw = await reply.read()
        orjson.loads(raw)
        head.append((b"content-length", str(len(raw)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        await send({"type": "http.response.body", "body": raw})
