"""Which hosts forward style may reach, and at which addresses: decided without asking the network."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recollect.providers.base import Provider

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS = {"https": 443, "http": 80}
MAX_PORT = 65535
MAX_HOST_LENGTH = 253
IPV4_BYTES = 4
MAX_BYTE = 255
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_WRAPPED_IPV4 = (
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""IPv6 ranges that carry an IPv4 address, and the bits to its right (RFC 4291 2.5.5.1, 6052, 8215, 3056)."""
_CREDENTIAL_SERVICES = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "100.100.100.200",
    )
)
"""Where clouds hand credentials to whoever asks: reached only when the operator lists the very address."""


def parse_address(host: str) -> IpAddress | None:
    """The address that a host spells, None for a name.

    Understands what browsers and C libraries do: decimal, octal, hexadecimal and short IPv4 forms (WHATWG URL 3.5),
    and IPv6 with or without brackets. ValueError where it looks like an address and is none.
    """
    if host.startswith("["):
        if not host.endswith("]"):
            message = "an unclosed bracket"
            raise ValueError(message)
        return ipaddress.IPv6Address(host[1:-1])
    if ":" in host:
        return ipaddress.IPv6Address(host)
    labels = host.split(".")
    if not _NUMBER.match(labels[-1]):
        return None
    *numbers, last = [_parse_number(label) for label in labels]
    free_bytes = IPV4_BYTES - len(numbers)
    if free_bytes < 1 or max(numbers, default=0) > MAX_BYTE or last >> (8 * free_bytes):
        message = "an IPv4 address out of range"
        raise ValueError(message)
    return ipaddress.IPv4Address(int.from_bytes(bytes(numbers)) << (8 * free_bytes) | last)


def normal_host(host: str) -> str:
    """A host in one spelling: lower case, no trailing dot, addresses in their usual form, IPv6 in brackets.

    ValueError for what is no host: empty, not ASCII, with a percent sign, credentials or spaces.
    """
    text = host.lower().removesuffix(".")
    address = parse_address(text) if text else None
    if address is not None:
        return f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
    if len(text) > MAX_HOST_LENGTH or not _NAME.match(text):
        message = "not a host name"
        raise ValueError(message)
    return text


def is_public(address: IpAddress) -> bool:
    """Whether an address may be a machine on the internet.

    Not private, loopback, link-local, shared (CGNAT), multicast, reserved, nor an IPv6 form of such an IPv4 address.
    """
    inner = _inner_ipv4(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


@dataclass(frozen=True, slots=True)
class Listed:
    """A host that the operator lists; ``port`` None means every port, a name with ``*.`` before it all names below."""

    host: str
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        """Whether a normal host and port are meant."""
        return (self.port is None or self.port == port) and _matches(self.host, host)


@dataclass(frozen=True, slots=True)
class AllowList:
    """Where forward style may go.

    ``known`` are the registry's ``(host, port)``, over https and at public addresses only, ``known_below`` its
    ``*.domain`` patterns; ``listed`` are the operator's, which may be private and plain http.
    """

    known: frozenset[tuple[str, int]] = frozenset()
    known_below: tuple[str, ...] = ()
    listed: tuple[Listed, ...] = ()

    def permits(self, scheme: str, host: str, port: int) -> bool:
        """Whether a URL with this scheme, normal host and port may be forwarded to."""
        if self.is_listed(host, port):
            return True
        if scheme != "https":
            return False
        if (host, port) in self.known:
            return True
        return port == DEFAULT_PORTS["https"] and any(_matches(pattern, host) for pattern in self.known_below)

    def is_listed(self, host: str, port: int) -> bool:
        """Whether the operator lists this normal host and port."""
        return any(entry.covers(host, port) for entry in self.listed)

    def may_connect(self, host: str, port: int, address: str) -> bool:
        """Whether a connection for that host may go to this address, which DNS has named.

        A name that the operator lists may lead to a private address, but to a cloud's credential service or a
        link-local address only where that address itself is listed.
        """
        try:
            normal, target = normal_host(host), ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if not self.is_listed(normal, port):
            return is_public(target)
        inner = _inner_ipv4(target) or target
        if inner in _CREDENTIAL_SERVICES or inner.is_link_local or inner.is_unspecified or inner.is_multicast:
            return self.is_listed(normal_host(str(target)), port)
        return True


def build_allow_list(registry: Iterable[Provider], operator: Iterable[str] = ()) -> AllowList:
    """The https hosts of the registry, and what the operator adds.

    An operator's entry is ``host``, ``host:port``, ``*.domain``, ``[::1]:8080``, an address, or a URL of which host and
    port count. SettingsError for anything else.
    """
    known: set[tuple[str, int]] = set()
    below: set[str] = set()
    for provider in registry:
        for pattern in provider.forward_hosts:
            if pattern.startswith("*."):
                below.add(pattern.lower())
            else:
                known.add((normal_host(pattern), DEFAULT_PORTS["https"]))
        for parts in map(urlsplit, provider.all_base_urls):
            if parts.scheme == "https" and parts.hostname:
                known.add((_bracketed(parts.hostname), parts.port or DEFAULT_PORTS["https"]))
    return AllowList(frozenset(known), tuple(sorted(below)), tuple(_parse_listed(entry) for entry in operator))


def _parse_listed(entry: str) -> Listed:
    text = entry.strip()
    if "://" in text:
        text = urlsplit(text).netloc
    try:
        if text.startswith("*."):
            host, port = "*." + normal_host(text[2:]), None
        elif text.startswith("["):
            bare, _, rest = text.partition("]")
            host, port = normal_host(bare + "]"), _parse_port(rest.removeprefix(":")) if rest else None
        elif text.count(":") == 1:
            name, _, number = text.partition(":")
            host, port = normal_host(name), _parse_port(number)
        else:
            host, port = normal_host(text), None
    except ValueError as error:
        message = f"allow_upstreams: `{entry}` is not a host or host:port, as in `gpu.example:8000` or `127.0.0.1`."
        raise SettingsError(message) from error
    return Listed(host, port)


def _parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= MAX_PORT:
        message = "not a port"
        raise ValueError(message)
    return int(text)


def _parse_number(label: str) -> int:
    if not _NUMBER.match(label):
        message = "not a number"
        raise ValueError(message)
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8) if len(label) > 1 and label.startswith("0") else int(label)


def _inner_ipv4(address: IpAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in {ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")}:
        return None
    for network, shift in _WRAPPED_IPV4:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return None


def _bracketed(host: str) -> str:
    try:
        return normal_host(host)
    except ValueError:
        return host.lower()


def _matches(pattern: str, host: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))
