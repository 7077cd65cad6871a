"""A TCP server that answers with the bytes it is given, for what no HTTP library would write."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

CLOSE = b"<close>"
"""In place of an answer: close the connection without one."""


class RawServer:
    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/x"

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer == CLOSE:
                    return
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(*answers):
    server = RawServer(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


def ok(body=b"fine", *headers):
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
