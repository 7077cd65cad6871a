"""Keys, vaults and sessions in memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from recollect.domain.vaults import BranchEntry, ErasureReceipt, VaultSummary
from recollect.errors import ConflictError
from recollect.stores.in_memory.usage import without_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import Fingerprint, KeyId, ProjectId, SessionName, SessionNumber, VaultId
    from recollect.domain.keys import MemoryKey
    from recollect.domain.vaults import Session, Vault
    from recollect.stores.in_memory.state import MemoryState, VaultRecord


class InMemoryKeys:
    """Implements :class:`recollect.stores.base.KeyStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def create_key(self, key: MemoryKey) -> None:
        """See :meth:`KeyStore.create_key`; a digest or id that is taken is a ConflictError."""
        self._state.ensure_open()
        if key.digest in self._state.keys or any(other.id == key.id for other in self._state.keys.values()):
            message = "A key with this id or secret exists already."
            raise ConflictError(message, param="key")
        self._state.keys[key.digest] = key

    async def find_key(self, digest: bytes) -> MemoryKey | None:
        """See :meth:`KeyStore.find_key`."""
        self._state.ensure_open()
        return self._state.keys.get(digest)

    async def list_keys(self, project: ProjectId | None = None) -> list[MemoryKey]:
        """See :meth:`KeyStore.list_keys`."""
        self._state.ensure_open()
        found = [key for key in self._state.keys.values() if project is None or key.project == project]
        return sorted(found, key=lambda key: (key.created_at, key.id))

    async def revoke_key(self, project: ProjectId, key: KeyId, at: datetime) -> bool:
        """See :meth:`KeyStore.revoke_key`."""
        self._state.ensure_open()
        for digest, known in self._state.keys.items():
            if known.id == key and known.project == project and known.revoked_at is None:
                self._state.keys[digest] = replace(known, revoked_at=at)
                return True
        return False


class InMemoryVaults:
    """Implements :class:`recollect.stores.base.VaultStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def open_vault(self, project: ProjectId, user: str, *, may_create: bool) -> Vault | None:
        """See :meth:`VaultStore.open_vault`."""
        self._state.ensure_open()
        known = self._state.owners.get((project, user))
        if known is not None:
            return self._state.vaults[known].vault
        return self._state.ensure_vault(project, user).vault if may_create else None

    async def list_vaults(self, project: ProjectId, *, limit: int, after: str | None = None) -> list[VaultSummary]:
        """See :meth:`VaultStore.list_vaults`. Names are ordered by their UTF-8 bytes."""
        self._state.ensure_open()
        records = [record for record in self._state.vaults.values() if record.vault.project == project]
        behind = [record for record in records if after is None or record.vault.user.encode() > after.encode()]
        ordered = sorted(behind, key=lambda record: record.vault.user.encode())
        return [_summary(record) for record in ordered[:limit]]

    async def recent_vaults(self, least_messages: int, *, limit: int) -> list[VaultId]:
        """See :meth:`VaultStore.recent_vaults`."""
        self._state.ensure_open()
        found = [_summary(record) for record in self._state.vaults.values()]
        large = [(one.last_active_at, one.vault.id) for one in found if one.messages >= least_messages]
        ordered = sorted(large, key=lambda one: (-one[0].timestamp() if one[0] else 0.0, one[1]))
        return [vault for _, vault in ordered[:limit]]

    async def summarise_vault(self, vault: VaultId) -> VaultSummary | None:
        """See :meth:`VaultStore.summarise_vault`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        return None if record is None else _summary(record)

    async def erase_vault(self, vault: VaultId, at: datetime) -> ErasureReceipt | None:
        """See :meth:`VaultStore.erase_vault`."""
        self._state.ensure_open()
        record = self._state.vaults.pop(vault, None)
        if record is None:
            return None
        del self._state.owners[record.vault.project, record.vault.user]
        self._state.jobs = {key: job for key, job in self._state.jobs.items() if job.job.vault != vault}
        self._state.traces = {key: trace for key, trace in self._state.traces.items() if trace.vault != vault}
        owner = (record.vault.project, record.vault.user)
        self._state.requests = {
            key: one for key, one in self._state.requests.items() if (one.project, one.user) != owner
        }
        self._state.forget_bodies(record.vault)
        self._state.usage = without_name(self._state.usage, record.vault.project, record.vault.user)
        digest = hashlib.sha256(b"".join(entry.stored.id for entry in record.messages.values()))
        return ErasureReceipt(record.vault.user, len(record.messages), len(record.sessions), at, digest.hexdigest())


class InMemorySessions:
    """Implements :class:`recollect.stores.base.SessionStore`."""

    def __init__(self, state: MemoryState) -> None:
        """Work on this state."""
        self._state = state

    async def find_session(self, vault: VaultId, name: SessionName) -> Session | None:
        """See :meth:`SessionStore.find_session`."""
        return next((session for session in self._sessions(vault) if session.name == name), None)

    async def latest_session(self, vault: VaultId, agent_id: str | None) -> Session | None:
        """See :meth:`SessionStore.latest_session`."""
        found = [session for session in self._sessions(vault) if session.agent_id == agent_id]
        return max(found, key=_activity, default=None)

    async def sessions_with(
        self, vault: VaultId, fingerprints: Sequence[Fingerprint], limit: int
    ) -> list[tuple[Session, list[BranchEntry]]]:
        """See :meth:`SessionStore.sessions_with`."""
        sessions = self._sessions(vault)
        wanted = set(fingerprints)
        record = self._state.vaults.get(vault)
        messages = record.messages.values() if record is not None else ()
        numbers = {
            entry.stored.session_number for entry in messages if entry.stored.is_live and entry.fingerprint in wanted
        }
        found = [session for session in sessions if session.number in numbers]
        newest = sorted(found, key=_activity, reverse=True)[:limit]
        return [(session, await self.branch(vault, session.number)) for session in newest]

    async def branch(self, vault: VaultId, session: SessionNumber) -> list[BranchEntry]:
        """See :meth:`SessionStore.branch`."""
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        if record is None:
            return []
        return [
            BranchEntry(entry.stored.id, entry.stored.number, entry.fingerprint, entry.stored.role, entry.identity)
            for entry in record.live(session)
        ]

    async def list_sessions(self, vault: VaultId, *, limit: int, before: SessionNumber | None = None) -> list[Session]:
        """See :meth:`SessionStore.list_sessions`."""
        found = [session for session in self._sessions(vault) if before is None or session.number < before]
        return sorted(found, key=lambda session: session.number, reverse=True)[:limit]

    def _sessions(self, vault: VaultId) -> list[Session]:
        self._state.ensure_open()
        record = self._state.vaults.get(vault)
        return [] if record is None else list(record.sessions.values())


def _summary(record: VaultRecord) -> VaultSummary:
    return VaultSummary(record.vault, len(record.messages), len(record.sessions), record.last_active_at)


def _activity(session: Session) -> tuple[datetime, int]:
    return session.last_active_at, session.number
