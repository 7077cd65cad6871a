"""Whose a URL is: for requests that name no provider."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recollect.providers.base import Provider

MOST_REMEMBERED = 1000


class ProviderHosts:
    """Finds a provider by the host and port of a URL; what the settings changed goes before the built-in entries."""

    def __init__(self, registry: Iterable[Provider]) -> None:
        """Read the base URLs and hosts of a registry."""
        self._names: dict[str, str] = {}
        self._below: list[tuple[str, str]] = []
        self._known: dict[str, str | None] = {}
        for provider in sorted(registry, key=lambda one: not one.is_configured):
            for host in (urlsplit(provider.base_url).netloc.lower(), *provider.forward_hosts):
                if host.startswith("*."):
                    self._below.append((host[1:], provider.name))
                elif host:
                    self._names.setdefault(host, provider.name)

    def provider_at(self, url: str) -> str | None:
        """The registry's name; None for a host of nobody that we know."""
        host = url.split("/", 3)[2].lower() if url.count("/") > 1 else ""
        if host not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            below = (name for suffix, name in self._below if host.endswith(suffix))
            self._known[host] = self._names.get(host) or next(below, None)
        return self._known[host]
