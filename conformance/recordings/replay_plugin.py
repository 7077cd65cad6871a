"""A pytest plugin, loaded into other projects' environments: their recordings are played by a provider, not by VCR.

Opening a cassette hands what it holds to the replaying provider. Every request that a test then makes goes to
``REPLAY_PREFIX`` followed by scheme, host and path: straight to that provider, or through a gateway in forward style.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import vcr.cassette
import vcr.patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX, TAPES = os.environ["REPLAY_PREFIX"], os.environ["REPLAY_TAPES"]
LOOPBACK = {"127.0.0.1", "localhost"}
_direct = build_opener(ProxyHandler({}))


def pytest_configure() -> None:
    """Put the recordings behind HTTP before anything is imported that keeps a client."""
    vcr.patch.CassettePatcherBuilder.build = _hand_over
    vcr.cassette.Cassette.all_played = property(lambda _: True)
    for name in ("httpx", "httpx2"):
        try:
            library = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        _redirect(library)


def _hand_over(builder: vcr.patch.CassettePatcherBuilder) -> Iterator[Any]:
    """In place of VCR's patches: none, but the provider is told what to play."""
    cassette = builder._cassette  # noqa: SLF001 - VCR gives it to nobody else
    tape = [_interaction(request, response) for request, response in cassette.data]
    request = Request(TAPES, json.dumps(tape).encode(), {"content-type": "application/json"})  # noqa: S310 - loopback
    with _direct.open(request, timeout=30):
        return iter(())


def _interaction(request: Any, response: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    return {
        "method": request.method,
        "uri": request.uri,
        "body": _encoded(request.body),
        "status": response["status"]["code"],
        "headers": [[name, value] for name, values in response["headers"].items() for value in _listed(values)],
        "reply": _encoded(response["body"]["string"]),
    }


def _listed(values: list[str] | str) -> list[str]:
    return [values] if isinstance(values, str) else [str(value) for value in values]


def _encoded(body: Any) -> str:  # noqa: ANN401
    if hasattr(body, "read"):
        body = body.read()
    if body is None:
        body = b""
    if not isinstance(body, (bytes, bytearray, str)):
        body = b"".join(body)
    return base64.b64encode(body.encode() if isinstance(body, str) else bytes(body)).decode()


def _redirect(library: Any) -> None:  # noqa: ANN401
    """Where ``httpx`` hands a request to the network, its address is changed."""

    def moved(request: Any) -> Any:  # noqa: ANN401
        if request.url.host in LOOPBACK and str(request.url).startswith(PREFIX):
            return request
        path = request.url.raw_path.decode("ascii")
        url = f"{PREFIX}/{request.url.scheme}/{request.url.netloc.decode('ascii')}{path}"
        # Tests that keep a client over several event loops cannot keep its connections, which VCR never opens.
        headers = {b"host": urlsplit(url).netloc.encode(), b"connection": b"close"}
        # A doubled field, such as two user agents, is one that servers refuse.
        headers |= {name.lower(): value for name, value in request.headers.raw if name.lower() not in headers}
        return library.Request(
            request.method, url, headers=list(headers.items()), stream=request.stream, extensions=request.extensions
        )

    def whole(send: Callable[..., Any]) -> Callable[..., Any]:
        return lambda transport, request: send(transport, moved(request))

    def awaited(send: Callable[..., Any]) -> Callable[..., Any]:
        async def sent(transport: Any, request: Any) -> Any:  # noqa: ANN401
            return await send(transport, moved(request))

        return sent

    library.HTTPTransport.handle_request = whole(library.HTTPTransport.handle_request)
    asynchronous = library.AsyncHTTPTransport
    asynchronous.handle_async_request = awaited(asynchronous.handle_async_request)
