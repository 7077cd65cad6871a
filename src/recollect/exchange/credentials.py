"""Beside forwarding: the keys that projects have for providers, opened once and kept for a moment."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from recollect.domain.credentials import SealedKey
from recollect.errors import InvalidRequestError, SettingsError, StoreUnavailableError
from recollect.providers.registry import find_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from recollect.domain.ids import ProjectId
    from recollect.providers.base import Provider
    from recollect.providers.key_safe import KeySafe
    from recollect.stores.base import CredentialStore

logger = logging.getLogger(__name__)

KEPT_S = 5.0
"""How long another process may go on with a key that was replaced or removed."""
MOST_KEPT = 10_000
MOST_CHARACTERS = 4096
HINT_CHARACTERS = 4
LEAST_FOR_HINT = 16
"""Of a shorter key even four characters would be too many to show."""
NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class Credentials:
    """Sets, lists and opens projects' provider keys. ``open_safe`` is called when there is something to seal or to
    open; ``clock`` is monotonic seconds."""

    store: CredentialStore
    registry: Mapping[str, Provider]
    open_safe: Callable[[], KeySafe]
    clock: Callable[[], float] = time.monotonic
    _kept: dict[ProjectId, tuple[float, Mapping[str, str]]] = field(default_factory=dict)
    _safe: KeySafe | None = None

    def known(self, project: ProjectId) -> Mapping[str, str] | None:
        """A project's keys by provider, where they were read a moment ago."""
        kept = self._kept.get(project)
        return kept[1] if kept is not None and self.clock() < kept[0] else None

    async def of(self, project: ProjectId) -> Mapping[str, str]:
        """A project's keys by provider. While the store is away, those that were read last."""
        known = self.known(project)
        if known is not None:
            return known
        try:
            keys = await self._read(project)
        except StoreUnavailableError as error:
            kept = self._kept.get(project)
            logger.warning("provider keys of a project cannot be read: %s", error)
            keys = kept[1] if kept is not None else NONE
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[project] = (self.clock() + KEPT_S, keys)
        return keys

    async def set(self, project: ProjectId, provider: str, key: str, at: datetime) -> SealedKey:
        """Seal a key and keep it in the place of an older one.

        InvalidRequestError ``unknown_provider`` or ``invalid_provider_key``; SettingsError where it cannot be sealed.
        """
        name, text = self._name(provider), key.strip()
        if not text or len(text) > MOST_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
            message = "A provider key is one word of printable ASCII characters."
            raise InvalidRequestError(message, code="invalid_provider_key", param="key")
        hint = f"…{text[-HINT_CHARACTERS:]}" if len(text) >= LEAST_FOR_HINT else "…"
        sealed = SealedKey(project, name, (await self._opened()).seal(project, name, text), hint, at)
        await self.store.put_credential(sealed)
        self._kept.pop(project, None)
        return sealed

    async def list(self, project: ProjectId) -> Sequence[SealedKey]:
        """What a project has, by provider."""
        return await self.store.list_credentials(project)

    async def remove(self, project: ProjectId, provider: str) -> bool:
        """Forget a key; False where there is none."""
        found = find_provider(self.registry, provider)
        is_removed = await self.store.remove_credential(project, found.name if found else provider)
        self._kept.pop(project, None)
        return is_removed

    def _name(self, provider: str) -> str:
        found = find_provider(self.registry, provider)
        if found is None:
            known = ", ".join(sorted(self.registry))
            message = f"No provider named {provider!r} is known here. It is one of: {known}; or add it to the settings."
            raise InvalidRequestError(message, code="unknown_provider", param="provider")
        return found.name

    async def _read(self, project: ProjectId) -> Mapping[str, str]:
        keys: dict[str, str] = {}
        for sealed in await self.store.list_credentials(project):
            try:
                keys[sealed.provider] = (await self._opened()).open(project, sealed.provider, sealed.sealed)
            except SettingsError as error:
                logger.error("%s", error)  # noqa: TRY400 - a wrong setting, no defect
        return keys or NONE

    async def _opened(self) -> KeySafe:
        if self._safe is None:
            self._safe = await asyncio.to_thread(self.open_safe)
        return self._safe
