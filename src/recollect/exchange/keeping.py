"""What was said in an exchange, kept so that it can be sent again: off unless the operator asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, urlencode

from recollect.domain.controls import StoreScope
from recollect.domain.requests import RequestBodies
from recollect.exchange.exchange import Stored
from recollect.wire.headers import OWN_QUERY_NAMES, is_own_header

if TYPE_CHECKING:
    from recollect.exchange.exchange import Exchange
    from recollect.wire.json_document import JsonDocument

KEPT_HEADERS = frozenset(
    {
        b"content-type",
        b"anthropic-version",
        b"anthropic-beta",
        b"openai-organization",
        b"openai-project",
        b"openai-beta",
        b"http-referer",
        b"x-title",
    }
)
"""Beside our own controls; by name, so that no credential is kept because nobody thought of it."""
KEPT_QUERY = frozenset({"api-version"}) | OWN_QUERY_NAMES
CREDENTIALS = frozenset({b"x-memory-key", b"x-recallr-api-key", b"x-provider-key"})
FORWARD = "forward/"
"""What a path in forward style begins with."""


class Keeper(Protocol):
    """Keeps what was said."""

    def keep(self, bodies: RequestBodies) -> None:
        """Take it. Never raises, and never waits."""


def bodies_of(exchange: Exchange) -> RequestBodies | None:
    """What may be kept of an exchange; None where not all of it was stored in the user's vault: what a client wants
    to have forgotten is not remembered in another place."""
    place, document, reply = exchange.place, exchange.document, exchange.reply
    if place is None or document is None or reply is None or exchange.stored is not Stored.YES:
        return None
    if exchange.controls.store is not StoreScope.ALL or _keeps_something_out(document):
        return None
    request = exchange.request
    is_forward = request.forward_target is not None
    return RequestBodies(
        id=exchange.id,
        project=place.project,
        user=place.user,
        created_at=exchange.started_at,
        path=f"{FORWARD}{request.path.partition('?')[0]}" if is_forward else request.path,
        query=urlencode([(name, value) for name, value in parse_qsl(request.query) if name in KEPT_QUERY]),
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers if _is_kept(name)
        ),
        request=document.body,
        reply=(reply.message.text if reply.message else "").encode("utf-8", "replace"),
    )


def _is_kept(name: bytes) -> bool:
    return name in KEPT_HEADERS or (is_own_header(name) and name not in CREDENTIALS) or name.startswith(b"x-openwebui-")


def _keeps_something_out(document: JsonDocument) -> bool:
    """A message says ``memory: false``."""
    given = document.get("messages") or document.get("input")
    return isinstance(given, list) and any(isinstance(one, dict) and one.get("memory") is False for one in given)
