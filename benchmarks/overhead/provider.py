"""A provider that costs next to nothing: it answers every model call with the same reply, streamed where asked.

    python -m benchmarks.overhead.provider --port 19100

A request whose body has ``"stream":true`` gets 200 chunks, 5 ms apart, as a model that writes 200 tokens a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

import uvloop

CHUNKS = 200
GAP_S = 0.005
TEXT = "Take tram 28 to the castle, have grilled fish in Alfama, and end the day at the river. "
_WHOLE = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1767225600,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT * 4}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200},
    },
    separators=(",", ":"),
).encode()
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(_WHOLE), _WHOLE)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def event(data: str) -> bytes:
    """One event as one chunk of the body."""
    text = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(text), text)


def delta(content: str, finish_reason: str | None = None) -> bytes:
    """One piece of a streamed reply."""
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish_reason}
    return event(
        json.dumps(
            {
                "id": "chatcmpl-bench",
                "object": "chat.completion.chunk",
                "created": 1767225600,
                "model": "gpt-4o-mini",
                "choices": [choice],
            },
            separators=(",", ":"),
        )
    )


PIECE = delta(" word")
ENDING = delta("", "stop") + event("[DONE]") + LAST_CHUNK


class Connection(asyncio.Protocol):
    """One client connection; requests on it come one after the other."""

    def __init__(self) -> None:
        """Wait for a request."""
        self._seen = bytearray()
        self._transport: asyncio.Transport | None = None
        self._streaming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Stop writing."""
        if self._streaming is not None:
            self._streaming.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._seen += data
        while self._transport is not None and (request := self._next_request()) is not None:
            if b'"stream":true' in request or b'"stream": true' in request:
                self._streaming = asyncio.get_running_loop().create_task(stream(self._transport))
            else:
                self._transport.write(PLAIN)

    def _next_request(self) -> bytes | None:
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._seen[:end]).lower()
        if b"transfer-encoding: chunked" in head:
            last = self._seen.find(LAST_CHUNK, end)
            if last < 0:
                return None
            size = last + len(LAST_CHUNK)
        else:
            _, _, length = head.partition(b"content-length:")
            size = end + 4 + int(length.partition(b"\r\n")[0] or 0)
        if len(self._seen) < size:
            return None
        request = bytes(self._seen[end:size])
        del self._seen[:size]
        return request


async def stream(transport: asyncio.Transport) -> None:
    """Write a reply piece by piece."""
    transport.write(STREAM_HEAD)
    for _ in range(CHUNKS):
        transport.write(PIECE)
        await asyncio.sleep(GAP_S)
    transport.write(ENDING)


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
