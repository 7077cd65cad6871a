"""Vaults and their erasure in SQLite."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from recollect.domain.ids import VaultId
from recollect.domain.vaults import ErasureReceipt, Vault, VaultSummary
from recollect.errors import StoreUnavailableError
from recollect.stores.sqlite.usage import keep_without_name
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from recollect.domain.ids import ProjectId
    from recollect.stores.sqlite.database import Database

_ERASED_TABLES = (
    "passages",
    "injections",
    "traces",
    "requests",
    "request_bodies",
    "jobs",
    "extractions",
    "edits",
    "changed_sessions",
    "messages",
    "sessions",
    "vault",
)
_CACHE_LIMIT = 100_000


class SqliteVaults:
    """Implements :class:`recollect.stores.base.VaultStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database
        self._known: dict[tuple[str, str], Vault] = {}
        self._known_at = database.erasures()

    async def open_vault(self, project: ProjectId, user: str, *, may_create: bool) -> Vault | None:
        """See :meth:`VaultStore.open_vault`. A vault that was seen before costs no query."""
        erasures = self._db.erasures()
        if erasures != self._known_at or len(self._known) > _CACHE_LIMIT:
            self._known.clear()
            self._known_at = erasures
        vault = self._known.get((project, user))
        if vault is None:
            vault = await self._db.read(lambda connection: self.find(connection, project, user))
        if vault is None and may_create:
            vault = await self._db.write(lambda connection: self.ensure(connection, project, user, self._db.now()))
        if vault is not None and erasures == self._known_at:
            self._known[project, user] = vault
        return vault

    def find(self, connection: sqlite3.Connection, project: ProjectId, user: str) -> Vault | None:
        """The user's vault, within a transaction."""
        values = {"project": project, "user": user}
        row = connection.execute(self._db.sql["find_vault"], values).fetchone()
        return None if row is None else Vault(VaultId(row[0]), row[1], row[2], from_us(row[3]))

    def ensure(self, connection: sqlite3.Connection, project: ProjectId, user: str, at: datetime) -> Vault:
        """The user's vault, created where it is missing, within a write transaction."""
        values = {"project": project, "user": user, "created_at_us": to_us(at)}
        connection.execute(self._db.sql["create_vault"], values)
        vault = self.find(connection, project, user)
        if vault is None:
            message = "The memory database lost a vault that it had just created; check the disk."
            raise StoreUnavailableError(message)
        return vault

    async def list_vaults(self, project: ProjectId, *, limit: int, after: str | None = None) -> list[VaultSummary]:
        """See :meth:`VaultStore.list_vaults`."""
        sql = self._db.sql["list_vaults_from_start" if after is None else "list_vaults"]
        values = {"project": project, "limit": limit, "after": after}
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return [_summary(row) for row in rows]

    async def recent_vaults(self, least_messages: int, *, limit: int) -> list[VaultId]:
        """See :meth:`VaultStore.recent_vaults`."""
        sql = self._db.sql["recent_vaults"]
        values = {"least": least_messages, "limit": limit}
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return [VaultId(number) for (number,) in rows]

    async def summarise_vault(self, vault: VaultId) -> VaultSummary | None:
        """See :meth:`VaultStore.summarise_vault`."""
        sql = self._db.sql["summarise_vault"]
        row = await self._db.read(lambda connection: connection.execute(sql, {"vault": vault}).fetchone())
        return None if row is None else _summary(row)

    async def erase_vault(self, vault: VaultId, at: datetime) -> ErasureReceipt | None:
        """See :meth:`VaultStore.erase_vault`. See :meth:`Database.scrub`."""
        receipt = await self._db.write(lambda connection: self._erase(connection, vault, at))
        if receipt is None:
            return None
        self._known.clear()
        await asyncio.to_thread(self._db.note_erasure)
        await self._db.scrub()
        return receipt

    def _erase(self, connection: sqlite3.Connection, vault: VaultId, at: datetime) -> ErasureReceipt | None:
        values = {"vault": vault}
        row = connection.execute(self._db.sql["summarise_vault"], values).fetchone()
        if row is None:
            return None
        summary = _summary(row)
        digest = hashlib.sha256()
        for (message,) in connection.execute(self._db.sql["message_ids"], values):
            digest.update(message)
        for table in _ERASED_TABLES:
            connection.execute(self._db.sql[f"erase_{table}"], values)
        keep_without_name(connection, self._db.sql, summary.vault.project, summary.vault.user)
        receipt = ErasureReceipt(summary.vault.user, summary.messages, summary.sessions, at, digest.hexdigest())
        kept = {
            "vault": vault,
            "project": summary.vault.project,
            "user_digest": hashlib.sha256(summary.vault.user.encode("utf-8", "surrogatepass")).digest(),
            "messages": receipt.messages,
            "sessions": receipt.sessions,
            "erased_at_us": to_us(at),
            "digest": receipt.digest,
        }
        connection.execute(self._db.sql["keep_receipt"], kept)
        return receipt


def _summary(row: tuple[Any, ...]) -> VaultSummary:
    vault_id, project, user, created_at_us, messages, sessions, active_at_us = row
    return VaultSummary(
        vault=Vault(VaultId(vault_id), project, user, from_us(created_at_us)),
        messages=messages,
        sessions=sessions,
        last_active_at=None if active_at_us is None else from_us(active_at_us),
    )
