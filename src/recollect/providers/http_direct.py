"""A request whose body is at hand, straight on one of aiohttp's connections.

A session's ``request`` takes 60 microseconds of CPU time, most of them for what a gateway has no use for: cookies,
redirects, credentials and proxies of the environment, kinds of bodies. Connecting, TLS, pooling, time-outs and reading
the reply are aiohttp's here, too; only the head of the request is written by hand. See decision 19.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from yarl import URL

    from recollect.providers.base import Headers

MOST_TARGETS = 512
"""URLs whose first lines are kept."""
SWITCHED = 101
FIRST_FINAL = 200
MAX_HEADER_BYTES = 64 * 1024


class DirectSender:
    """Sends POST requests on the connections of one session, by its time-outs."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Take the session. One that heeds proxies of the environment is none for this."""
        if session.connector is None or session.trust_env:
            message = "a session with a connector, and without proxies"
            raise ValueError(message)
        self._session = session
        self._connector = session.connector
        self._timeout = session.timeout
        self._targets: dict[URL, _Target] = {}

    async def post(self, url: URL, headers: Headers, body: bytes) -> DirectResponse | None:
        """Send, and wait for the head of the reply; None where a header cannot be sent as it is, and nothing was.

        Raises what a session's ``request`` raises.
        """
        target = self._targets.get(url) or self._new_target(url)
        head = b"".join(
            (
                target.first_lines,
                *[b"%b: %b\r\n" % field for field in headers],
                b"Content-Length: %d\r\n\r\n" % len(body),
            )
        )
        if head.count(b"\n") != len(headers) + 4 or head.count(b"\r") != len(headers) + 4 or b"\0" in head:
            return None
        try:
            connection = await self._connector.connect(target, [], self._timeout)
        except TimeoutError as error:
            message = f"no connection to {url.raw_authority} in time"
            raise aiohttp.ConnectionTimeoutError(message) from error
        try:
            return await self._ask(connection, head + body)
        except BaseException:
            connection.close()
            raise

    async def _ask(self, connection: Connection, request: bytes) -> DirectResponse:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=self._timeout.sock_read,
            timeout_ceil_threshold=self._timeout.ceil_threshold,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )
        transport.write(request)
        protocol.start_timeout()
        try:
            message, content = await protocol.read()
            while message.code < FIRST_FINAL and message.code != SWITCHED:
                message, content = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientPayloadError(error.message) from error
        content.on_eof(connection.release)  # at once where the reply is whole already
        return DirectResponse(message.code, message.raw_headers, content, connection)

    def _new_target(self, url: URL) -> _Target:
        if len(self._targets) >= MOST_TARGETS:
            self._targets.clear()
        target = self._targets[url] = _Target("POST", url, session=self._session, loop=asyncio.get_running_loop())
        return target


class _Target(aiohttp.ClientRequest):
    """What a connector needs to know to connect. It is asked for connections, and never sent itself."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        return super().connection_key

    @cached_property
    def first_lines(self) -> bytes:
        """The request line and ``Host``."""
        return f"POST {self.url.raw_path_qs} HTTP/1.1\r\nHost: {self.url.host_port_subcomponent}\r\n".encode()


class DirectResponse:
    """A reply whose head has arrived, with what is used of an ``aiohttp.ClientResponse``."""

    __slots__ = ("connection", "content", "raw_headers", "status")

    def __init__(
        self,
        status: int,
        raw_headers: tuple[tuple[bytes, bytes], ...],
        content: aiohttp.StreamReader,
        connection: Connection,
    ) -> None:
        """Take its parts."""
        self.status = status
        self.raw_headers = raw_headers
        self.content = content
        self.connection = connection

    def release(self) -> None:
        """Give the connection back, where that has not happened at the reply's end."""
        self.connection.release()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
