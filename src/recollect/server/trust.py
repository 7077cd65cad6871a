"""Whether a caller is on this machine, and is no web page that only borrows its browser.

Matters only while no key exists: the gateway then serves its own machine without one.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
_WEB_SCHEMES = frozenset({"http", "https"})


@lru_cache(maxsize=4096)
def is_loopback_host(host: str) -> bool:
    """``localhost``, a name under it, or a loopback address, without port."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def is_local_caller(
    client: object, fields: Mapping[bytes, bytes], *, allowed_hosts: Collection[str], allowed_origins: Collection[str]
) -> bool:
    """The peer is on loopback, no proxy speaks for somebody else, the ``Host`` is one that only this machine resolves
    to itself (against DNS rebinding), and no page of another site sent the request (its ``Origin``).

    ``client`` is ASGI's (host, port), or None for a peer without an address (a Unix socket: a proxy's usual way in).
    """
    if not isinstance(client, (tuple, list)) or not client or not is_loopback_host(str(client[0])):
        return False
    if not _FORWARDED.isdisjoint(fields):
        return False
    host = _host_name(fields.get(b"host", b""))
    if host and not is_loopback_host(host) and host not in allowed_hosts:
        return False
    origin = fields.get(b"origin")
    return origin is None or _is_own_origin(origin.decode("latin-1"), allowed_origins)


@lru_cache(maxsize=4096)
def _host_name(value: bytes) -> str:
    """The name in a ``Host`` field, without its port."""
    field = value.decode("latin-1")
    if field.startswith("["):
        return field.partition("]")[0] + "]"
    return field.partition(":")[0].lower()


def _is_own_origin(origin: str, allowed: Collection[str]) -> bool:
    """An application on this machine (``app://``, ``vscode-webview://``), a page served from it, or a listed page."""
    if origin in allowed or "*" in allowed:
        return True
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme in _WEB_SCHEMES:
        return is_loopback_host(host)
    return bool(parts.scheme)
