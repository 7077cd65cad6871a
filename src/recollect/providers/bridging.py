"""Providers that are spoken to in another dialect than the client's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from recollect.providers.anthropic.bridge import CHAT_PATH, AnthropicBridge
from recollect.providers.chat_on_responses.bridge import ChatOnResponsesBridge
from recollect.providers.messages_on_chat.bridge import MESSAGES_PATH, MessagesOnChatBridge
from recollect.providers.responses_on_chat.bridge import RESPONSES_PATH, ResponsesOnChatBridge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recollect.providers.base import Provider, Upstream, UpstreamReply, UpstreamRequest


CHAT, RESPONSES, MESSAGES = "chat/completions", "responses", "messages"


class Bridge(Protocol):
    """Sends a request in another dialect, and brings the reply back in the client's."""

    async def send(self, upstream: Upstream, request: UpstreamRequest) -> UpstreamReply:
        """As ``Upstream.send``, through the upstream given."""


@dataclass(frozen=True, slots=True)
class BridgingUpstream:
    """An Upstream that sends requests for certain URLs over bridges; a forwarded (pinned) one goes where it says.

    ``bridges`` are found by the provider, where the request names it, and the URL.
    """

    upstream: Upstream
    bridges: Mapping[tuple[str | None, str], Bridge]

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """Send, over the bridge for this URL if there is one; a bridge may lead to another."""
        if request.method == "POST" and not request.is_pinned:
            bridge = self.bridges.get((request.provider, request.url.partition("?")[0]))
            if bridge is not None:
                return await bridge.send(self, request)
        return await self.upstream.send(request)

    async def close(self) -> None:
        """Close the upstream."""
        await self.upstream.close()


def bridges_of(registry: Iterable[Provider]) -> Mapping[tuple[str | None, str], Bridge]:
    """The bridges that a registry needs, by provider and the URL that the client's dialect would have there; for a
    request that names no provider, by the URL alone: what one of several providers there speaks needs no bridge.

    A provider's ``dialects`` say what it speaks. Whatever of chat completions, responses and messages it does not is
    made of what it does; two bridges may follow one another, chat completions being between them. Azure's URLs hold the
    deployment, so it has none.
    """
    spoken: dict[tuple[str | None, str], frozenset[str]] = {}
    for provider in registry:
        if not provider.base_url or provider.path_style == "azure":
            continue
        for base_url in provider.all_base_urls:
            native = native_dialects(provider)
            spoken[provider.name, base_url] = native
            spoken[None, base_url] = native | spoken.get((None, base_url), frozenset())
    return {
        (name, base_url + path): bridge
        for (name, base_url), native in spoken.items()
        for path, bridge in _bridges_for(native).items()
    }


def _bridges_for(native: frozenset[str]) -> Mapping[str, Bridge]:
    bridges: dict[str, Bridge] = {}
    if native.isdisjoint({CHAT, RESPONSES, MESSAGES}):
        return bridges
    if CHAT not in native:
        bridges[CHAT_PATH] = AnthropicBridge() if MESSAGES in native else ChatOnResponsesBridge()
    if RESPONSES not in native:
        bridges[RESPONSES_PATH] = ResponsesOnChatBridge()
    if MESSAGES not in native:
        bridges[MESSAGES_PATH] = MessagesOnChatBridge()
    return bridges


def native_dialects(provider: Provider) -> frozenset[str]:
    """What a provider speaks by itself: one of Anthropic's style, its Messages API."""
    return frozenset({MESSAGES}) if provider.path_style == "anthropic" else provider.dialects
