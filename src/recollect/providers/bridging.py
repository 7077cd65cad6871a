"""Providers that are spoken to in another dialect than the client's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from recollect.providers.anthropic.bridge import CHAT_PATH, AnthropicBridge
from recollect.providers.responses_on_chat.bridge import RESPONSES_PATH, ResponsesOnChatBridge

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
        """Send, over the bridge for this URL if there is one; a bridge may lead to another."""
        if request.method == "POST" and not request.is_pinned:
            bridge = self.bridges.get(request.url.partition("?")[0])
            if bridge is not None:
                return await bridge.send(self, request)
        return await self.upstream.send(request)

    async def close(self) -> None:
        """Close the upstream."""
        await self.upstream.close()


def bridges_of(registry: Iterable[Provider]) -> Mapping[str, Bridge]:
    """The bridges that a registry needs, by the URL that the client's dialect would have there.

    Anthropic is spoken to in its own dialect; where a provider has chat completions but not responses, as its
    ``dialects`` say, responses are made of those. Azure's URLs hold the deployment, so it has none.
    """
    bridges: dict[str, Bridge] = {}
    for provider in registry:
        if not provider.base_url or provider.path_style == "azure":
            continue
        if provider.path_style == "anthropic":
            bridges[provider.base_url + CHAT_PATH] = AnthropicBridge()
        if "responses" not in provider.dialects and "chat/completions" in provider.dialects:
            bridges[provider.base_url + RESPONSES_PATH] = ResponsesOnChatBridge()
    return bridges
