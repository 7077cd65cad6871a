"""``/v1/memory/providers``: a project's own keys for providers, which go in and never come out. Admin keys only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from recollect.errors import NotFoundError, SettingsError, StoreUnavailableError
from recollect.server.call import json_response
from recollect.server.shapes import list_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.credentials import SealedKey
    from recollect.server.call import Call, CallReader


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_providers(request: Request) -> Response:
        call = await calls.read(request)
        call.require_admin()
        found = await call.gateway.credentials.list(call.principal.project)
        return json_response(list_object([provider_object(one) for one in found], has_more=False))

    async def add_provider(request: Request) -> Response:
        call = await calls.read(request, frozenset({"provider", "key"}))
        return await _set(call, call.fields.text("provider"), status=201)

    async def set_provider(request: Request) -> Response:
        call = await calls.read(request, frozenset({"key"}))
        return await _set(call, request.path_params["provider"])

    async def remove_provider(request: Request) -> Response:
        call = await calls.read(request)
        call.require_admin()
        name = request.path_params["provider"]
        if not await call.gateway.credentials.remove(call.principal.project, name):
            message = f"This project has no key for a provider {name!r}."
            raise NotFoundError(message, code="provider_key_not_found", param="provider")
        return json_response({"id": name, "object": "provider_key.deleted", "deleted": True})

    return [
        Route("/memory/providers", list_providers, methods=["GET"]),
        Route("/memory/providers", add_provider, methods=["POST"]),
        Route("/memory/providers/{provider}", set_provider, methods=["PUT"]),
        Route("/memory/providers/{provider}", remove_provider, methods=["DELETE"]),
    ]


def provider_object(key: SealedKey) -> dict[str, Any]:
    """What may be seen of a key."""
    return {
        "id": key.provider,
        "object": "provider_key",
        "provider": key.provider,
        "hint": key.hint,
        "set_at": key.set_at.isoformat(),
    }


async def _set(call: Call, provider: str, status: int = 200) -> Response:
    call.require_admin()
    key = call.fields.text("key")
    try:
        sealed = await call.gateway.credentials.set(call.principal.project, provider, key, datetime.now(UTC))
    except SettingsError as error:
        raise StoreUnavailableError(str(error), code="secret_key_unusable") from error
    return json_response(provider_object(sealed), status=status)
