"""Providers that are spoken to in another dialect than the client's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from recollect.providers.anthropic.bridge import CHAT_PATH, AnthropicBridge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recollect.providers.base import Provider, Upstream, UpstreamReply, UpstreamRequest


class Bridge(Protocol):
    """Sends a request in another dialect, and brings the reply back in the client's."""

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """As ``Upstream.send``, through the upstream given."""


@dataclass(frozen=True, slots=True)
class BridgingUpstream:
    """An Upstream that sends requests for certain URLs over bridges; a forwarded (pinned) one goes where it says."""

    upstream: Upstream
    bridges: Mapping[str, Bridge]

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """Send, over the bridge for this URL if there is one."""
        if not request.is_pinned and self.bridges:
            bridge = self.bridges.get(request.url.partition("?")[0])
            if bridge is not None:
                return await bridge.send(self.upstream, request)
        return await self.upstream.send(request)

    async def close(self) -> None:
        """Close the upstream."""
        await self.upstream.close()


def bridges_of(registry: Iterable[Provider]) -> Mapping[str, Bridge]:
    """The bridges that a registry needs, by the URL that the client's dialect would have there."""
    return {
        provider.base_url + CHAT_PATH: AnthropicBridge()
        for provider in registry
        if provider.path_style == "anthropic" and provider.base_url
    }
