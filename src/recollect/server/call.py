"""One call to the memory surface: who calls, for whom, with which fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from starlette.responses import Response

from recollect.domain.keys import KeyKind
from recollect.domain.recall import Strategy
from recollect.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from recollect.exchange.resolve import project_of, user_of
from recollect.server.intake import decoded, read_body
from recollect.wire.controls import parse_time, read_controls
from recollect.wire.json_document import JsonDocument

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from starlette.requests import Request

    from recollect.domain.controls import Controls
    from recollect.domain.keys import Principal
    from recollect.domain.vaults import Vault
    from recollect.server.app import GatewayApp
    from recollect.server.ports import Gateway

E = TypeVar("E", bound=StrEnum)
CONTROL_FIELDS = frozenset({"user", "user_id", "safety_identifier", "session_id", "run_id", "agent_id", "memory_mode"})
"""Understood in every call, as in an exchange."""
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
MAX_PAGE = 1000
DEFAULT_PAGE = 20


def json_response(value: object, *, status: int = 200, request_id: str | None = None) -> Response:
    """A JSON reply."""
    headers = {"X-Memory-Request-Id": request_id} if request_id else None
    return Response(orjson.dumps(value), status_code=status, headers=headers, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a body or a query string, read one by one; each error names its field."""

    document: JsonDocument

    def has(self, name: str) -> bool:
        """The field was given, and is not null."""
        return self.document.get(name) is not None

    def raw(self, name: str) -> str:
        """The field's JSON text, as the client wrote it. InvalidRequestError where it is missing."""
        member = self.document.member(name)
        if member is None or member.value is None:
            raise missing(param=name)
        return self.document.text[member.value_start : member.value_end]

    def text(self, name: str) -> str:
        """A text that must be there and not be blank."""
        value = self.document.get(name)
        if value is None:
            raise missing(param=name)
        if not isinstance(value, str) or not value.strip():
            raise refused(param=name, expected="text that is not blank", code="invalid_type")
        return value

    def optional_text(self, name: str, *, most: int = 512) -> str | None:
        """A text of bounded length, or None."""
        if not self.has(name):
            return None
        value = self.text(name)
        if len(value) > most:
            raise refused(param=name, expected=f"at most {most} characters long", code="invalid_type")
        return value

    def whole(self, name: str, *, default: int, least: int, most: int) -> int:
        """A whole number within bounds; in a query string it comes as text."""
        value = self.document.get(name)
        if value is None:
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise refused(param=name, expected=f"a whole number from {least} to {most}", code="invalid_number")
        return value

    def fraction(self, name: str) -> float | None:
        """A number from 0 to 1, or None."""
        value = self.document.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise refused(param=name, expected="a number from 0 to 1", code="invalid_number")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false; false where it is missing."""
        value = self.document.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise refused(param=name, expected="true or false", code="invalid_boolean")

    def optional_flag(self, name: str) -> bool | None:
        """True, false or None; in a query string it comes as text."""
        value = self.document.get(name)
        if value in ("true", "false"):
            return value == "true"
        return self.flag(name) if self.has(name) else None

    def choice(self, name: str, kind: type[E], *, code: str) -> E | None:
        """One of the values of an enumeration, or None."""
        value = self.document.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value in {one.value for one in kind}:
            return kind(value)
        raise refused(param=name, expected=f"one of {', '.join(one.value for one in kind)}", code=code)

    def time(self, name: str) -> datetime | None:
        """An RFC 3339 time, or None."""
        return parse_time(self.document.get(name), name) if self.has(name) else None

    def strategy(self, default: Strategy) -> Strategy:
        """``strategy``."""
        return self.choice("strategy", Strategy, code="invalid_strategy") or default

    def timezone(self, default: str) -> str:
        """``timezone``, an IANA name."""
        name = self.optional_text("timezone")
        if name is None:
            return default
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise refused(
                param="timezone", expected="an IANA time zone such as Europe/Berlin", code="invalid_timezone"
            ) from None


@dataclass(frozen=True, slots=True)
class Call:
    """A checked call. The principal's project is the one that the call works in."""

    gateway: Gateway
    principal: Principal
    controls: Controls
    fields: Fields

    @property
    def user(self) -> str:
        """The user whose vault is meant. PermissionDeniedError where a vault key asks for another one's."""
        return user_of(self.principal, self.controls)

    def require_admin(self) -> None:
        """PermissionDeniedError unless this is an admin key, or the local machine of a gateway without keys."""
        if self.principal.kind is not KeyKind.ADMIN:
            message = "This needs an admin key. Create one with `recollect keys create --kind admin`."
            raise PermissionDeniedError(message, code="admin_key_required")

    def require_project(self) -> None:
        """PermissionDeniedError for a vault key, which speaks for one user only."""
        if self.principal.kind is KeyKind.VAULT:
            message = "A vault key speaks for its own user only; this needs a client or an admin key."
            raise PermissionDeniedError(message, code="wrong_key_kind")

    def require_mode(self, *, stores: bool) -> None:
        """PermissionDeniedError where the key or the request is in a mode that forbids to store, or to recall."""
        mode = self.controls.mode
        if not (mode.stores if stores else mode.recalls):
            verb = "stores nothing" if stores else "recalls nothing"
            message = f"The memory mode of this call is `{mode.value}`, which {verb}. Use a key or a mode that does."
            raise PermissionDeniedError(message, code="memory_mode_forbids", param="memory_mode")

    async def vault(self) -> Vault:
        """The user's vault. NotFoundError where there is none."""
        vault = await self.gateway.store.vaults.open_vault(self.principal.project, self.user, may_create=False)
        if vault is None:
            message = f"The user {self.user!r} has no memories here."
            raise NotFoundError(message, code="user_not_found", param="user")
        return vault

    def page_size(self, default: int = DEFAULT_PAGE) -> int:
        """``limit`` of a list."""
        return self.fields.whole("limit", default=default, least=1, most=MAX_PAGE)


class CallReader:
    """Makes calls of requests."""

    def __init__(self, app: GatewayApp) -> None:
        """Take the application whose gateway is called."""
        self._app = app

    @property
    def app(self) -> GatewayApp:
        """The application."""
        return self._app

    async def read(self, request: Request, known: Collection[str] = (), *, user: str | None = None) -> Call:
        """Authenticate, then read the body (of a POST, PUT or PATCH) or the query string.

        InvalidRequestError for a field that is not among ``known`` and the controls. ``user`` is the one that the path
        names; it goes before any other.
        """
        gateway = self._app.gateway
        headers = tuple(request.scope["headers"])
        authentication = await gateway.authenticator.authenticate(
            headers, is_loopback=bool(request.scope.get("recollect.is_local"))
        )
        document = await self._document(request)
        unknown = next((name for name in document.values if name not in known and name not in CONTROL_FIELDS), None)
        if unknown is not None:
            message = f"`{unknown}` is not known here. Known fields: {', '.join(sorted({*known, *CONTROL_FIELDS}))}."
            raise InvalidRequestError(message, code="unknown_field", param=unknown)
        controls = read_controls(
            headers,
            dict(request.query_params) if request.method in WITH_BODY else {},
            document,
            suffix_mode=authentication.suffix_mode,
            key_mode=authentication.principal.mode,
            defaults=gateway.defaults,
        )
        if user is not None:
            controls = replace(controls, user=user)
        principal = replace(authentication.principal, project=project_of(authentication.principal, controls))
        return Call(gateway, principal, controls, Fields(document))

    async def _document(self, request: Request) -> JsonDocument:
        if request.method not in WITH_BODY:
            return JsonDocument.parse(orjson.dumps(dict(request.query_params)))
        headers = tuple(request.scope["headers"])
        fields = dict(headers)
        body = await read_body(request.receive, fields, self._app.intake)
        encoding = fields.get(b"content-encoding")
        if encoding and body:
            body, _ = decoded(body, headers, encoding, self._app.settings.limits)
        return JsonDocument.parse_exactly(body or b"{}")


def missing(*, param: str) -> InvalidRequestError:
    """The error for a field that must be there."""
    return InvalidRequestError(f"`{param}` is required.", code="missing_field", param=param)


def refused(*, param: str, expected: str, code: str) -> InvalidRequestError:
    """The error for a field of the wrong kind."""
    return InvalidRequestError(f"`{param}` must be {expected}.", code=code, param=param)
