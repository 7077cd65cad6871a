"""``Recollect`` and ``AsyncRecollect``: the OpenAI SDK's clients, with memory."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

from recollect.client.chat import AsyncChat, Chat
from recollect.client.configuration import name_of, settings_from
from recollect.client.in_process import shared_gateways
from recollect.client.memory import AsyncMemoryResource, MemoryResource
from recollect.client.responses import AsyncResponses, Responses
from recollect.client.transport import AsyncInProcessTransport, InProcessTransport
from recollect.settings import environment_value, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.client.asgi_call import AsgiApp
    from recollect.client.http_flavour import httpx

LOCAL_URL = "http://127.0.0.1:8000/v1"
IN_PROCESS_URL = "http://localhost/v1"
"""Never resolved: the transport hands requests to the gateway in this process."""


class Recollect(OpenAI):
    """``openai.OpenAI`` whose calls go through a Recollect gateway.

    ``Recollect(base_url=…, api_key="mk_…")`` talks to a running gateway; without arguments, to the one that the
    environment names (``RECOLLECT_BASE_URL``, ``RECOLLECT_API_KEY``), else to ``http://127.0.0.1:8000/v1``, keyless.
    ``Recollect(config={…})`` runs the gateway inside this process: no server, no port. ``provider_key`` is the
    provider's own key, where the gateway has none. Anything else is the SDK's.
    """

    def __init__(
        self,
        *,
        base_url: str | httpx.URL | None = None,
        api_key: str | None = None,
        config: Mapping[str, Any] | None = None,
        provider_key: str | None = None,
        **options: Any,
    ) -> None:
        """Connect to a gateway, or start one in this process."""
        if config is not None:
            gateway = _Lease(config)
            options.setdefault("http_client", DefaultHttpxClient(transport=gateway.transport()))
            base_url, api_key = IN_PROCESS_URL, api_key or ""
        super().__init__(**_sdk_options(base_url, api_key, provider_key, options))
        self.api_key = _known_key(self.api_key)

    @cached_property
    def chat(self) -> Chat:
        """Chat completions with memory."""
        return Chat(self)

    @cached_property
    def responses(self) -> Responses:
        """Responses with memory."""
        return Responses(self)

    @cached_property
    def memory(self) -> MemoryResource:
        """The gateway's memory surface."""
        return MemoryResource(self)

    def _validate_headers(self, headers: object, custom_headers: object) -> None:
        """A local gateway needs no key."""


class AsyncRecollect(AsyncOpenAI):
    """As :class:`Recollect`, awaited."""

    def __init__(
        self,
        *,
        base_url: str | httpx.URL | None = None,
        api_key: str | None = None,
        config: Mapping[str, Any] | None = None,
        provider_key: str | None = None,
        **options: Any,
    ) -> None:
        """Connect to a gateway, or start one in this process."""
        if config is not None:
            gateway = _Lease(config)
            options.setdefault(
                "http_client",
                DefaultAsyncHttpxClient(transport=gateway.async_transport()),
            )
            base_url, api_key = IN_PROCESS_URL, api_key or ""
        super().__init__(**_sdk_options(base_url, api_key, provider_key, options))
        self.api_key = _known_key(self.api_key)

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions with memory."""
        return AsyncChat(self)

    @cached_property
    def responses(self) -> AsyncResponses:
        """Responses with memory."""
        return AsyncResponses(self)

    @cached_property
    def memory(self) -> AsyncMemoryResource:
        """The gateway's memory surface."""
        return AsyncMemoryResource(self)

    def _validate_headers(self, headers: object, custom_headers: object) -> None:
        """A local gateway needs no key."""


NO_KEY = "no-memory-key"
"""Stands in for a key while the SDK's constructor insists on one; never sent."""


def _known_key(api_key: str) -> str:
    return "" if api_key == NO_KEY else api_key


def _sdk_options(
    base_url: str | httpx.URL | None,
    api_key: str | None,
    provider_key: str | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of the SDK's constructor. The environment's ``OPENAI_API_KEY`` is never sent as a memory key."""
    merged = dict(options)
    if provider_key is not None:
        merged["default_headers"] = {
            "X-Provider-Key": provider_key,
            **(options.get("default_headers") or {}),
        }
    merged["base_url"] = base_url or environment_value("RECOLLECT_BASE_URL") or LOCAL_URL
    merged["api_key"] = (environment_value("RECOLLECT_API_KEY") if api_key is None else api_key) or NO_KEY
    return merged


class _Lease:
    """One client's share of an in-process gateway, given back once."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._name = name_of(config)
        self._is_held = True
        self._gateway = shared_gateways().acquire(self._name, lambda: _build_app(config))

    def transport(self) -> InProcessTransport:
        return InProcessTransport(self._gateway, self._give_back)

    def async_transport(self) -> AsyncInProcessTransport:
        return AsyncInProcessTransport(self._gateway, self._give_back)

    def _give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            shared_gateways().release(self._name)


def _build_app(config: Mapping[str, Any]) -> AsgiApp:
    """The gateway's application, built where a gateway is built: in the composition root."""
    from recollect.bootstrap import build_app  # noqa: PLC0415 - only this form needs a server's libraries

    app: AsgiApp = build_app(load_settings(settings_from(config), given_in="config"))
    return app
