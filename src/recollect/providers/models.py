"""The models of every provider that can be used, under one roof."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from recollect.errors import NotFoundError, RecollectError
from recollect.providers.base import UpstreamRequest
from recollect.providers.recall_model import RECALL_MODEL
from recollect.providers.registry import find_provider
from recollect.providers.routing import resolve_router_style
from recollect.wire.content_coding import decode_copy
from recollect.wire.headers import header_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recollect.providers.base import Provider, Upstream, UpstreamReply

logger = logging.getLogger(__name__)

Model = dict[str, object]

MAX_LIST_BYTES = 16 * 1024 * 1024
OK = 200
BUILT_IN: Model = {"id": RECALL_MODEL, "object": "model", "created": 0, "owned_by": "recollect"}


@dataclass(frozen=True, slots=True)
class ModelCatalogue:
    """Asks the providers that have a key, and those that the settings name and that need none, all at once.

    A keyless provider that nobody has configured is not asked: what listens on its usual port may be something else,
    this gateway included. One that is down, slow or answers nonsense within ``limit_s`` is left out, and logged.
    """

    registry: Mapping[str, Provider]
    environment_keys: Mapping[str, str]
    default_provider: str
    upstream: Upstream
    routes: Sequence[str] = ()
    limit_s: float = 5.0

    async def list_models(self, provider_key: str | None, project_keys: Mapping[str, str] | None = None) -> bytes:
        """The body of ``GET /v1/models``; ``provider_key``, the request's own, is the default provider's."""
        if project_keys:
            return await self._with_keys(project_keys).list_models(provider_key)
        asked = self._usable(provider_key)
        lists = await asyncio.gather(*(self._models_of(provider, provider_key) for provider in asked))
        merged = merge_models({provider.name: models for provider, models in zip(asked, lists, strict=True)})
        named = [route_model(name) for name in self.routes]
        return orjson.dumps({"object": "list", "data": [*merged[:1], *named, *merged[1:]]})

    async def find_model(
        self, model: str, provider_key: str | None, project_keys: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of ``GET /v1/models/{id}``; NotFoundError ``model_not_found`` where nobody has it."""
        if project_keys:
            return await self._with_keys(project_keys).find_model(model, provider_key)
        if model.lower() == RECALL_MODEL:
            return orjson.dumps(BUILT_IN)
        if model in self.routes:
            return orjson.dumps(route_model(model))
        prefix, slash, rest = model.partition("/")
        named = find_provider(self.registry, prefix) if slash else None
        candidates = [(named, rest)] if named is not None else []
        default = find_provider(self.registry, self.default_provider)
        if default is not None and default != named:
            candidates.append((default, model))
        for provider, name in candidates:
            if not self._has_key(provider, provider_key):
                continue
            for found in await self._models_of(provider, provider_key):
                if str(found["id"]) in {name, f"models/{name}"}:
                    return orjson.dumps({**found, "id": model})
            unlisted = await self._unlisted(provider, name, provider_key)
            if unlisted is not None:
                return orjson.dumps({**unlisted, "id": model})
        message = f"The model {model!r} does not exist at any provider that has a key here. GET /v1/models lists all."
        raise NotFoundError(message, code="model_not_found", param="model")

    def _with_keys(self, project_keys: Mapping[str, str]) -> ModelCatalogue:
        """The same for a project that has keys of its own."""
        return replace(self, environment_keys={**self.environment_keys, **project_keys})

    def _usable(self, provider_key: str | None) -> list[Provider]:
        default = self.default_provider
        return [
            provider
            for provider in self.registry.values()
            if provider.base_url
            and self._has_key(provider, provider_key)
            and (provider.needs_key or provider.is_configured or provider.name in (*self.environment_keys, default))
        ]

    def _has_key(self, provider: Provider, provider_key: str | None) -> bool:
        if not provider.needs_key or provider.name in self.environment_keys:
            return True
        return provider_key is not None and provider == find_provider(self.registry, self.default_provider)

    async def _models_of(self, provider: Provider, provider_key: str | None) -> Sequence[Model]:
        return _parse_list(await self._ask(provider, "models", provider_key))

    async def _unlisted(self, provider: Provider, name: str, provider_key: str | None) -> Model | None:
        """A model that its provider serves and does not list: fine-tuned ones, snapshots, previews."""
        found = await self._ask(provider, f"models/{quote(name, safe='/:@')}", provider_key)
        return found if isinstance(found, dict) and isinstance(found.get("id"), str) else None

    async def _ask(self, provider: Provider, path: str, provider_key: str | None) -> object:
        """The provider's JSON; None where it is down, slow, answers nonsense or an error."""
        is_default = provider == find_provider(self.registry, self.default_provider)
        try:
            route = resolve_router_style(
                self.registry,
                path=path,
                model=None,
                default_provider=provider.name,
                provider_key=provider_key if is_default else None,
                environment_keys=self.environment_keys,
            )
            headers = ((b"accept", b"application/json"), (b"accept-encoding", b"identity"), *route.credentials)
            async with asyncio.timeout(self.limit_s):
                reply = await self.upstream.send(UpstreamRequest("GET", route.url, headers))
                try:
                    return orjson.loads(await _body(reply)) if reply.status == OK else None
                finally:
                    await reply.close()
        except (RecollectError, TimeoutError, orjson.JSONDecodeError) as error:
            logger.info("%s of %s cannot be had: %s", path, provider.name, error or "no answer in time")
            return None


def route_model(name: str) -> Model:
    """A route's name, as a model."""
    return {**BUILT_IN, "id": name}


def merge_models(lists: Mapping[str, Iterable[Model]]) -> list[Model]:
    """One list of models from the lists by provider: ids as ``provider/id``, everything else as the provider has it."""
    merged = [BUILT_IN]
    for provider, models in lists.items():
        for model in models:
            name = str(model["id"]).removeprefix("models/")
            merged.append({"object": "model", "created": 0, "owned_by": provider, **model, "id": f"{provider}/{name}"})
    return merged


def _parse_list(document: object) -> Sequence[Model]:
    """The models of a reply: OpenAI's ``{"data": […]}``, or a bare list as some servers send it."""
    items = document.get("data") if isinstance(document, dict) else document
    if not isinstance(items, list):
        return ()
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)]


async def _body(reply: UpstreamReply) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in reply.chunks():
        size += len(chunk)
        if size > MAX_LIST_BYTES:
            break
        parts.append(chunk)
    encoding = header_of(reply.headers, b"content-encoding")
    return decode_copy(parts, encoding, limit=MAX_LIST_BYTES)
