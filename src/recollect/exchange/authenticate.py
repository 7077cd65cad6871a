"""Stage 1: whose key is this, and what may it do?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.ids import ProjectId
from recollect.domain.keys import KeyKind, MemoryMode, Principal
from recollect.errors import AuthenticationError, PermissionDeniedError
from recollect.wire.memory_key import digest, find_memory_key

if TYPE_CHECKING:
    from recollect.domain.keys import MemoryKey
    from recollect.exchange.head import RequestHead
    from recollect.providers.base import Headers
    from recollect.stores.base import KeyStore
    from recollect.wire.memory_key import ParsedKey

LOCAL_PROJECT = ProjectId("default")
CACHE_S = 1.0
"""How long a revoked key may go on working in another process."""
CACHED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who calls. ``suffix_mode`` is the mode in the key's suffix, None without one; ``key_is_authorization``
    says that the ``Authorization`` header held the memory key, and so no credential of the provider's."""

    principal: Principal
    suffix_mode: MemoryMode | None = None
    key_is_authorization: bool = False


class Authenticator:
    """Looks keys up by their digest, and remembers them for a moment."""

    def __init__(self, keys: KeyStore, default_mode: MemoryMode = MemoryMode.FULL) -> None:
        """Take where the keys are, and the mode of a caller whose key asks for no other than ``full``."""
        self._keys = keys
        self._default_mode = default_mode
        self._cache: dict[bytes, tuple[float, MemoryKey | None]] = {}
        self._recent: dict[ParsedKey, tuple[float, Authentication]] = {}
        self._local = Authentication(Principal(LOCAL_PROJECT, KeyKind.ADMIN, default_mode, key_id=None))
        self._has_keys = False
        self._asked_at = float("-inf")

    async def authenticate(self, headers: Headers, *, is_loopback: bool) -> Authentication:
        """The caller; AuthenticationError (401) or PermissionDeniedError (403) otherwise.

        Without any key configured, a caller on loopback is the local project's administrator.
        """
        return (await self._caller(find_memory_key(headers), is_loopback=is_loopback))[1]

    def known(self, head: RequestHead) -> Authentication | None:
        """The caller, where the same head was authenticated a moment ago."""
        caller = head.caller
        return caller[1] if caller is not None and caller[0] > time.monotonic() else None

    async def authenticate_head(self, head: RequestHead, *, is_loopback: bool) -> Authentication:
        """As :meth:`authenticate`, and noted for :meth:`known`."""
        head.caller = await self._caller(find_memory_key(head.headers), is_loopback=is_loopback)
        return head.caller[1]

    async def _caller(self, found: ParsedKey | None, *, is_loopback: bool) -> tuple[float, Authentication]:
        """The caller, and until when that is so."""
        if found is None:
            return await self._without_key(is_loopback=is_loopback)
        recent = self._recent.get(found)
        if recent is not None and recent[0] > time.monotonic():
            return recent
        until, key = await self._lookup(digest(found.secret))
        if key is None:
            message = "This memory key is not known here. Check it, or create one with `recollect keys create`."
            raise AuthenticationError(message)
        if key.revoked_at is not None:
            message = "This memory key was revoked. Create another with `recollect keys create`."
            raise AuthenticationError(message, code="revoked_api_key")
        mode = self._default_mode if key.mode is MemoryMode.FULL else key.mode
        principal = Principal(
            project=key.project, kind=key.kind, mode=mode, key_id=key.id, user=key.user, limits=key.limits
        )
        authentication = Authentication(principal, found.mode, found.header == "authorization")
        if len(self._recent) >= CACHED_KEYS:
            self._recent.clear()
        recent = self._recent[found] = (until, authentication)
        return recent

    async def has_keys(self) -> bool:
        """Whether any key was ever created: revoking the last one does not open the gateway again."""
        if not self._has_keys and time.monotonic() - self._asked_at > CACHE_S:
            self._has_keys = bool(await self._keys.list_keys())
            self._asked_at = time.monotonic()
        return self._has_keys

    async def _without_key(self, *, is_loopback: bool) -> tuple[float, Authentication]:
        if await self.has_keys():
            message = (
                "No memory key was sent. Put `mk_…` into `X-Memory-Key`, or into `Authorization: Bearer mk_…` "
                "where the provider's own key is not needed there."
            )
            raise AuthenticationError(message, code="missing_api_key")
        if not is_loopback:
            message = (
                "This gateway has no keys yet and so serves its own machine only. "
                "Create one there with `recollect keys create`."
            )
            raise PermissionDeniedError(message, code="no_keys_configured")
        return self._asked_at + CACHE_S, self._local

    async def _lookup(self, key_digest: bytes) -> tuple[float, MemoryKey | None]:
        """The key, and until when that is so."""
        now = time.monotonic()
        cached = self._cache.get(key_digest)
        if cached is not None and cached[0] > now:
            return cached
        key = await self._keys.find_key(key_digest)
        if len(self._cache) >= CACHED_KEYS:
            self._cache.clear()
        found = self._cache[key_digest] = (now + CACHE_S, key)
        return found
