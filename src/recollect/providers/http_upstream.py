"""The upstream over HTTP/1.1, on aiohttp: what is given goes out as it is, what comes back comes back as it is."""

from __future__ import annotations

import io
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from recollect.errors import PermissionDeniedError, UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError
from recollect.providers.allow_list import AllowList, parse_address
from recollect.providers.http_direct import MAX_HEADER_BYTES, DirectSender
from recollect.providers.http_websocket import header_texts, open_socket, refuse_unless_switched
from recollect.wire.headers import strip_response_headers

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from recollect.errors import ServiceError
    from recollect.providers.base import Headers, UpstreamReply, UpstreamRequest, UpstreamSocket
    from recollect.providers.http_direct import DirectResponse

KEEP_ALIVE_S = 55.0
"""Shorter than the 60 s after which common load balancers close an idle connection."""
DNS_CACHE_S = 10
LARGE_BODY_BYTES = 512 * 1024
"""A larger body is handed over in pieces, so that one write does not hold the event loop."""
_WITHOUT_DEFAULTS = frozenset({"User-Agent", "Accept", "Accept-Encoding", "Content-Type"})

_has_new_connection: ContextVar[bool] = ContextVar("has_new_connection", default=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect (DNS, TCP and TLS), to the head of the reply once the request is sent, between its bytes."""

    connect_s: float = 10.0
    head_s: float = 600.0
    idle_s: float = 600.0


class HttpUpstream:
    """An Upstream with one pool of connections.

    Sends the given headers, ``Host`` and the body's length, and nothing else; follows no redirect, keeps no cookie,
    decodes nothing. Pinned requests connect only to addresses that ``allow`` lets them. Proxies of the environment
    are used only where ``trusts_environment``.
    """

    def __init__(
        self,
        timeouts: Timeouts | None = None,
        *,
        allow: AllowList | None = None,
        tls: ssl.SSLContext | None = None,
        trusts_environment: bool = False,
    ) -> None:
        """Take the bounds and the rules; nothing is opened before the first request.

        ``tls`` says whom to trust; without it, whom this machine trusts (``SSL_CERT_FILE`` included).
        """
        self._timeouts = timeouts or Timeouts()
        self._allow = allow or AllowList()
        self._tls = tls
        self._trusts_environment = trusts_environment
        self._pools: dict[tuple[bool, bool], _Pool] = {}

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """Send and wait for the head of the reply.

        Raises UpstreamConnectError, UpstreamTimeoutError, UpstreamBrokenError (what came is not HTTP),
        PermissionDeniedError (a pinned name leads to an address that is not allowed). A pooled connection that the
        server has closed in the meantime is replaced once, where the body can be sent again.
        """
        url = _parse_url(request.url)
        pool = self._pool(request, url)
        may_repeat = request.body is None or isinstance(request.body, bytes)
        while True:
            _has_new_connection.set(False)
            try:
                response = await _ask(pool, request, url)
            except aiohttp.ClientConnectorError as error:
                raise _connect_error(url, error) from error
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if may_repeat and not _has_new_connection.get():
                    may_repeat = False
                    continue
                message = f"{_place(url)} closed the connection before it answered. Try again."
                raise UpstreamConnectError(message) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _head_error(url, error, self._timeouts) from error
            return _HttpReply(response, url, self._timeouts.idle_s)

    async def connect_websocket(self, request: UpstreamRequest) -> UpstreamSocket | UpstreamReply:
        """Open a WebSocket; the url's scheme may be http(s) or ws(s). Raises what ``send`` raises."""
        url = _parse_url(request.url)
        try:
            return await open_socket(self._pool(request, url, is_socket=True).session, url, request.headers)
        except aiohttp.ClientConnectorError as error:
            raise _connect_error(url, error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _head_error(url, error, self._timeouts) from error

    async def close(self) -> None:
        """Close idle connections, and those of replies that nobody has read."""
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            await pool.session.close()

    def _pool(self, request: UpstreamRequest, url: URL, *, is_socket: bool = False) -> _Pool:
        """The pool for this kind of request; each kind has its own, so that no check can be passed by."""
        if request.is_pinned:
            host = url.raw_host or ""
            address = parse_address(host)
            if address is not None and not self._allow.may_connect(host, url.port or 0, str(address)):
                raise _not_allowed(host)
        pool = self._pools.get((request.is_pinned, is_socket))
        if pool is None:
            resolver = _CheckingResolver(self._allow) if request.is_pinned else None
            session = self._new_session(resolver, (refuse_unless_switched,) if is_socket else ())
            pool = _Pool(session, None if is_socket or session.trust_env else DirectSender(session))
            self._pools[request.is_pinned, is_socket] = pool
        return pool

    def _new_session(
        self, resolver: AbstractResolver | None, middlewares: tuple[aiohttp.ClientMiddlewareType, ...]
    ) -> aiohttp.ClientSession:
        connector = _Connector(
            limit=0,
            ssl=self._tls or True,
            keepalive_timeout=KEEP_ALIVE_S,
            ttl_dns_cache=DNS_CACHE_S,
            resolver=resolver or ThreadedResolver(),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_WITHOUT_DEFAULTS,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._timeouts.connect_s, sock_read=self._timeouts.head_s, ceil_threshold=60
            ),
            trust_env=self._trusts_environment and resolver is None,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            middlewares=middlewares,
        )


class _Pool(NamedTuple):
    """Connections of one kind. ``direct`` is the short way onto them, where there is one: not behind a proxy."""

    session: aiohttp.ClientSession
    direct: DirectSender | None


async def _ask(pool: _Pool, request: UpstreamRequest, url: URL) -> aiohttp.ClientResponse | DirectResponse:
    body = request.body
    data: bytes | AsyncIterator[bytes] | io.BytesIO | None = body
    if isinstance(body, bytes) and len(body) > LARGE_BODY_BYTES:
        data = io.BytesIO(body)
    elif isinstance(body, bytes) and request.method == "POST" and pool.direct is not None:
        response = await pool.direct.post(url, request.headers, body)
        if response is not None:
            return response
    headers = header_texts(request.headers)
    return await pool.session.request(request.method, url, headers=headers, data=data, allow_redirects=False)


class _HttpReply:
    """A reply whose head has arrived."""

    __slots__ = ("_response", "_url", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse | DirectResponse, url: URL, idle_s: float) -> None:
        self._response = response
        self._url = url
        self.status = response.status
        self.headers: Headers = strip_response_headers(response.raw_headers)
        connection = response.connection
        protocol = connection.protocol if connection is not None else None
        if protocol is not None and protocol.read_timeout != idle_s and not response.content.is_eof():
            protocol.read_timeout = idle_s
            protocol.start_timeout()

    def chunks(self) -> AsyncIterator[bytes]:
        return _Chunks(self._response.content, self._url)

    async def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class _Chunks:
    """A reply's body. No generator: leaving one before its end costs a task and a system call."""

    __slots__ = ("_content", "_failure", "_url")

    def __init__(self, content: aiohttp.StreamReader, url: URL) -> None:
        self._content = content
        self._url = url
        self._failure: UpstreamBrokenError | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        try:
            chunk = await self._content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            what = "went silent" if isinstance(error, TimeoutError) else "broke off"
            message = f"{_place(self._url)} {what} in the middle of its reply."
            failure = UpstreamBrokenError(message)
            failure.is_ours = isinstance(error, TimeoutError)
            failure.__cause__ = error
            chunk = _rest_of(self._content)
            if not chunk:
                raise failure from error
            self._failure = failure
        if not chunk:
            raise StopAsyncIteration
        return chunk


def _rest_of(content: aiohttp.StreamReader) -> bytes:
    """What arrived before a failure and was not read yet: aiohttp raises the failure first, and would drop it."""
    content.set_exception(None)  # type: ignore[arg-type]  # nothing else takes the failure back
    return content.read_nowait()


class _Connector(aiohttp.TCPConnector):
    """Tells the request in whose task it runs that its connection is a new one: a failure is then no stale one's."""

    async def _create_connection(self, *arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN202
        _has_new_connection.set(True)
        return await super()._create_connection(*arguments, **named)


class _CheckingResolver(AbstractResolver):
    """Looks names up, and drops the addresses that the allow-list does not let them lead to."""

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if self._allow.may_connect(host, port, result["host"])]
        if not allowed:
            raise _ForbiddenAddressError(host)
        return allowed

    async def close(self) -> None:
        await self._inner.close()


class _ForbiddenAddressError(OSError):
    """A name leads only to addresses that it may not lead to."""


@lru_cache(maxsize=512)
def _parse_url(url: str) -> URL:
    return URL(url, encoded=True)


def _place(url: URL) -> str:
    return url.raw_authority or "The provider"


def _connect_error(url: URL, error: aiohttp.ClientConnectorError) -> ServiceError | PermissionDeniedError:
    place = _place(url)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        message = f"The certificate of {place} is not trusted: {error.certificate_error}. Check the base URL."
        return UpstreamConnectError(message)
    if _leads_nowhere_allowed(error):
        return _not_allowed(url.raw_host or "")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        message = f"The name of {place} could not be resolved. Check the provider's base URL and this machine's DNS."
    elif isinstance(error, aiohttp.ClientSSLError):
        message = f"TLS with {place} failed: {error.os_error}. Check the scheme of the provider's base URL."
    else:
        message = f"{place} could not be reached. Check that it runs, and the provider's base URL."
    return UpstreamConnectError(message)


def _leads_nowhere_allowed(error: aiohttp.ClientConnectorError) -> bool:
    cause: BaseException | None = error.os_error
    while cause is not None and not isinstance(cause, _ForbiddenAddressError):
        cause = cause.__cause__
    return cause is not None


def _head_error(url: URL, error: Exception, timeouts: Timeouts) -> ServiceError:
    place = _place(url)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        message = (
            f"{place} did not accept a connection within {timeouts.connect_s:g} s. Try again, or check its address."
        )
        return UpstreamTimeoutError(message)
    if isinstance(error, TimeoutError):
        message = f"{place} did not answer within {timeouts.head_s:g} s. Try again, or raise `limits.head_timeout_s`."
        return UpstreamTimeoutError(message)
    if isinstance(error, aiohttp.ClientConnectionError):
        message = f"{place} could not be reached: the connection failed. Try again."
        return UpstreamConnectError(message)
    message = f"{place} answered with something that is not HTTP. Check the provider's base URL."
    return UpstreamBrokenError(message)


def _not_allowed(host: str) -> PermissionDeniedError:
    message = (
        f"{host} leads to a private, local or reserved address, which this gateway does not forward to. Its operator "
        f"can allow it with `--allow-upstream {host}` or `allow_upstreams` in the settings."
    )
    return PermissionDeniedError(message, code="upstream_not_allowed")
