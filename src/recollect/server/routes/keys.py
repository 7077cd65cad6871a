"""``/v1/memory/keys``: who may call. Admin keys, and the machine itself while no key exists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.budgets import parse_limits
from recollect.domain.ids import KeyId, ProjectId, new_id
from recollect.domain.keys import KeyKind, MemoryKey, MemoryMode
from recollect.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from recollect.server.call import json_response, missing, refused
from recollect.server.shapes import key_object, list_object
from recollect.wire.controls import parse_mode
from recollect.wire.memory_key import digest, new_secret

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.budgets import Limit
    from recollect.server.call import Call, CallReader

FIELDS = frozenset({"kind", "name", "mode", "project", "limits"})


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def create_key(request: Request) -> Response:
        """The only reply that ever holds the secret."""
        call = await calls.read(request, FIELDS)
        call.require_admin()
        secret = new_secret()
        key = parse(call, secret)
        await call.gateway.store.keys.create_key(key)
        return json_response({**key_object(key), "key": secret}, status=201)

    async def list_keys(request: Request) -> Response:
        call = await calls.read(request)
        call.require_admin()
        found = await call.gateway.store.keys.list_keys(call.principal.project)
        return json_response(list_object([key_object(one) for one in found], has_more=False))

    async def revoke_key(request: Request) -> Response:
        call = await calls.read(request)
        call.require_admin()
        identifier = request.path_params["key_id"]
        keys = call.gateway.store.keys
        if not await keys.revoke_key(call.principal.project, KeyId(identifier), datetime.now(UTC)):
            message = f"This project has no live key {identifier!r}."
            raise NotFoundError(message, code="key_not_found", param="key_id")
        return json_response({"id": identifier, "object": "memory_key.deleted", "deleted": True})

    return [
        Route("/memory/keys", create_key, methods=["POST"]),
        Route("/memory/keys", list_keys, methods=["GET"]),
        Route("/memory/keys/{key_id}", revoke_key, methods=["DELETE"]),
    ]


def parse(call: Call, secret: str) -> MemoryKey:
    """The key to store."""
    fields = call.fields
    kind = _kind(call)
    user = call.controls.user
    if kind is KeyKind.VAULT and user is None:
        raise missing(param="user")
    if kind is not KeyKind.VAULT and user is not None:
        message = "Only a key of kind `vault` is bound to a user. Leave `user` out, or make it a vault key."
        raise InvalidRequestError(message, code="invalid_request", param="user")
    mode = fields.document.get("mode")
    return MemoryKey(
        id=KeyId(new_id("key")),
        project=_project(call),
        digest=digest(secret),
        kind=kind,
        mode=MemoryMode.FULL if mode is None else parse_mode(mode, "mode"),
        created_at=datetime.now(UTC),
        name=fields.optional_text("name") or "",
        user=user,
        hint=secret[-4:],
        limits=_limits(call),
    )


def _kind(call: Call) -> KeyKind:
    given = call.fields.document.get("kind")
    if given is None:
        return KeyKind.CLIENT
    if isinstance(given, str) and given in {one.value for one in KeyKind}:
        return KeyKind(given)
    raise refused(param="kind", expected=f"one of {', '.join(one.value for one in KeyKind)}", code="invalid_kind")


def _limits(call: Call) -> tuple[Limit, ...]:
    given = call.fields.document.get("limits")
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise refused(param="limits", expected="a list of texts, as `5 usd/day`", code="invalid_limit")
    try:
        return parse_limits(given)
    except ValueError as error:
        message = f"`limits`: each {error}."
        raise InvalidRequestError(message, code="invalid_limit", param="limits") from error


def _project(call: Call) -> ProjectId:
    """A key makes keys of its own project; only the machine itself may found others."""
    given = call.fields.optional_text("project")
    if given is None or given == call.principal.project:
        return call.principal.project
    if call.principal.key_id is not None:
        message = "A key makes keys of its own project only. Leave `project` out."
        raise PermissionDeniedError(message, code="wrong_project", param="project")
    return ProjectId(given)
