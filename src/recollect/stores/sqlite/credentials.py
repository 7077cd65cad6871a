"""Projects' provider keys in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.credentials import SealedKey
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    from recollect.domain.ids import ProjectId
    from recollect.stores.sqlite.database import Database


class SqliteCredentials:
    """Implements :class:`recollect.stores.base.CredentialStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def put_credential(self, key: SealedKey) -> None:
        """See :meth:`CredentialStore.put_credential`."""
        sql = self._db.sql["put_credential"]
        row = (key.project, key.provider, key.sealed, key.hint, to_us(key.set_at))
        await self._db.write(lambda connection: connection.execute(sql, row))

    async def list_credentials(self, project: ProjectId) -> list[SealedKey]:
        """See :meth:`CredentialStore.list_credentials`."""
        sql = self._db.sql["list_credentials"]
        rows = await self._db.read(lambda connection: connection.execute(sql, (project,)).fetchall())
        return [
            SealedKey(project, provider, sealed, hint, from_us(set_at_us)) for provider, sealed, hint, set_at_us in rows
        ]

    async def remove_credential(self, project: ProjectId, provider: str) -> bool:
        """See :meth:`CredentialStore.remove_credential`."""
        sql = self._db.sql["remove_credential"]
        return await self._db.write(lambda connection: connection.execute(sql, (project, provider)).rowcount > 0)
