"""Projects' provider keys in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recollect.domain.credentials import SealedKey
    from recollect.domain.ids import ProjectId
    from recollect.stores.in_memory.state import MemoryState


class InMemoryCredentials:
    """Implements :class:`recollect.stores.base.CredentialStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def put_credential(self, key: SealedKey) -> None:
        """See :meth:`CredentialStore.put_credential`."""
        self._state.ensure_open()
        self._state.credentials[key.project, key.provider] = key

    async def list_credentials(self, project: ProjectId) -> list[SealedKey]:
        """See :meth:`CredentialStore.list_credentials`."""
        self._state.ensure_open()
        found = [key for key in self._state.credentials.values() if key.project == project]
        return sorted(found, key=lambda key: key.provider)

    async def remove_credential(self, project: ProjectId, provider: str) -> bool:
        """See :meth:`CredentialStore.remove_credential`."""
        self._state.ensure_open()
        return self._state.credentials.pop((project, provider), None) is not None
