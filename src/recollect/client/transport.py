"""HTTP transports into a gateway inside the process: each chunk of a reply arrives when the gateway sends it.

(The HTTP libraries' own ASGI transport waits for the whole reply.) Closing a reply early tells the gateway
that the client is gone, as closing a connection does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from recollect.client.asgi_call import ReplyBrokenError
from recollect.client.http_flavour import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from recollect.client.asgi_call import AsgiCall, Head, Message
    from recollect.client.in_process import InProcessGateway

    T = TypeVar("T")

CLIENT = ("127.0.0.1", 0)
"""What the gateway sees as the peer: a caller on this machine."""


class _Exchange:
    """One request under way, for both transports."""

    def __init__(self, gateway: InProcessGateway, request: httpx.Request) -> None:
        self.gateway = gateway
        self.request = request
        self.call: AsgiCall | None = None
        self.read_timeout_s: float | None = request.extensions.get("timeout", {}).get("read")

    async def open(self, body: bytes) -> Head:
        self.call = await self.gateway.open_call(scope_of(self.request), body)
        return await self.call.head()

    async def read(self) -> bytes | None:
        return await self.call.next_chunk() if self.call else None

    def end(self) -> None:
        if self.call is not None:
            self.gateway.end_call(self.call)

    def failure(self, error: BaseException) -> Exception:
        """The HTTP library's own exception for what went wrong; the exchange is over then."""
        self.end()
        if isinstance(error, ReplyBrokenError):
            return httpx.RemoteProtocolError(str(error), request=self.request)
        return httpx.ReadTimeout("The gateway did not answer in time.", request=self.request)


class InProcessTransport(httpx.BaseTransport):
    """For synchronous clients."""

    def __init__(self, gateway: InProcessGateway, close: Callable[[], None]) -> None:
        """Take a running gateway, and what to call when the client closes."""
        self._gateway = gateway
        self._close = close

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and wait for the head of the reply."""
        exchange = _Exchange(self._gateway, request)
        body = request.read()
        head = run(exchange, exchange.open(body))
        return httpx.Response(head.status, headers=head.headers, stream=_Stream(exchange), request=request)

    def close(self) -> None:
        """Leave the gateway."""
        self._close()


class AsyncInProcessTransport(httpx.AsyncBaseTransport):
    """For asynchronous clients, on any asyncio loop."""

    def __init__(self, gateway: InProcessGateway, close: Callable[[], None]) -> None:
        """Take a running gateway, and what to call when the client closes."""
        self._gateway = gateway
        self._close = close

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and wait for the head of the reply."""
        exchange = _Exchange(self._gateway, request)
        body = await request.aread()
        head = await arun(exchange, exchange.open(body))
        return httpx.Response(
            head.status,
            headers=head.headers,
            stream=_AsyncStream(exchange),
            request=request,
        )

    async def aclose(self) -> None:
        """Leave the gateway."""
        await asyncio.to_thread(self._close)


class _Stream(httpx.SyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := run(self._exchange, self._exchange.read())) is not None:
            yield chunk

    def close(self) -> None:
        self._exchange.end()


class _AsyncStream(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await arun(self._exchange, self._exchange.read())) is not None:
            yield chunk

    async def aclose(self) -> None:
        self._exchange.end()


def run(exchange: _Exchange, step: Coroutine[Any, Any, T]) -> T:
    """Run one step of an exchange on the gateway's loop, and wait for it."""
    future = exchange.gateway.submit(step)
    try:
        return future.result(exchange.read_timeout_s)
    except (ReplyBrokenError, TimeoutError) as error:
        future.cancel()
        raise exchange.failure(error) from error
    except BaseException:
        future.cancel()
        exchange.end()
        raise


async def arun(exchange: _Exchange, step: Coroutine[Any, Any, T]) -> T:
    """As :func:`run`, awaited on the caller's loop; cancelling it ends the exchange."""
    future = exchange.gateway.submit(step)
    try:
        async with asyncio.timeout(exchange.read_timeout_s):
            return await asyncio.wrap_future(future)
    except (ReplyBrokenError, TimeoutError) as error:
        raise exchange.failure(error) from error
    except BaseException:
        exchange.end()
        raise


def scope_of(request: httpx.Request) -> Message:
    """The ASGI scope of a request."""
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": CLIENT,
        "server": (request.url.host, request.url.port or 80),
        "state": {},
    }
