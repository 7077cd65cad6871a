"""Browsers: which pages may call, and what they may read. Off until an origin is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.errors import PermissionDeniedError
from recollect.wire.headers import RECALLR_RESPONSE_HEADERS, RESPONSE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from recollect.providers.base import Headers

METHODS = b"GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
_PROVIDER_HEADERS = (
    "x-request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "openai-processing-ms",
    "openai-version",
    "openai-organization",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
)
EXPOSED = ", ".join((*RESPONSE_HEADERS, *RECALLR_RESPONSE_HEADERS, *_PROVIDER_HEADERS)).encode()


class Cors:
    """The rules of one gateway. ``origins`` are as browsers spell them (``https://app.example``); ``*`` is any."""

    def __init__(self, origins: Collection[str]) -> None:
        """Take the origins that may call."""
        self._origins = frozenset(origin.rstrip("/") for origin in origins)

    def allows(self, origin: str) -> bool:
        """A page of this origin may call."""
        return origin in self._origins or "*" in self._origins

    def reply_headers(self, origin: bytes) -> Headers:
        """What is added to a reply to that origin; empty where it may not read it."""
        if not self.allows(origin.decode("latin-1")):
            return ()
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED),
            (b"vary", b"Origin"),
        )

    def preflight_headers(self, fields: Mapping[bytes, bytes]) -> Headers:
        """The answer to a browser that asks beforehand; PermissionDeniedError names the setting to change."""
        origin = fields.get(b"origin", b"")
        if not self.allows(origin.decode("latin-1")):
            message = (
                f"Pages of {origin.decode('latin-1')} may not call this gateway. "
                "Add the origin to the setting `cors.origins`."
            )
            raise PermissionDeniedError(message, code="origin_not_allowed", param="Origin")
        headers = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-max-age", b"600"),
            (b"vary", b"Origin, Access-Control-Request-Headers"),
        ]
        asked = fields.get(b"access-control-request-headers")
        if asked:
            headers.append((b"access-control-allow-headers", asked))
        if fields.get(b"access-control-request-private-network") == b"true":
            headers.append((b"access-control-allow-private-network", b"true"))
        return tuple(headers)
