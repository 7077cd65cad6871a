"""Memory keys in SQLite."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from recollect.domain.budgets import parse_limits
from recollect.domain.keys import KeyKind, MemoryKey, MemoryMode
from recollect.errors import ConflictError
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import KeyId, ProjectId
    from recollect.stores.sqlite.database import Database


class SqliteKeys:
    """Implements :class:`recollect.stores.base.KeyStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def create_key(self, key: MemoryKey) -> None:
        """See :meth:`KeyStore.create_key`; a digest or id that is taken is a ConflictError."""
        row = {
            "digest": key.digest,
            "key_id": key.id,
            "project": key.project,
            "kind": key.kind.value,
            "mode": key.mode.value,
            "name": key.name,
            "user": key.user,
            "hint": key.hint,
            "created_at_us": to_us(key.created_at),
            "revoked_at_us": None if key.revoked_at is None else to_us(key.revoked_at),
            "limits": json.dumps([str(limit) for limit in key.limits]),
        }
        await self._db.write(lambda connection: self._insert(connection, row))

    def _insert(self, connection: sqlite3.Connection, row: dict[str, Any]) -> None:
        try:
            connection.execute(self._db.sql["create_key"], row)
        except sqlite3.IntegrityError as error:
            message = "A key with this id or secret exists already."
            raise ConflictError(message, param="key") from error

    async def find_key(self, digest: bytes) -> MemoryKey | None:
        """See :meth:`KeyStore.find_key`."""
        sql = self._db.sql["find_key"]
        row = await self._db.read(lambda connection: connection.execute(sql, {"digest": digest}).fetchone())
        return None if row is None else _key(row)

    async def list_keys(self, project: ProjectId | None = None) -> list[MemoryKey]:
        """See :meth:`KeyStore.list_keys`."""
        sql = self._db.sql["list_keys"]
        rows = await self._db.read(lambda connection: connection.execute(sql, {"project": project}).fetchall())
        return [_key(row) for row in rows]

    async def revoke_key(self, project: ProjectId, key: KeyId, at: datetime) -> bool:
        """See :meth:`KeyStore.revoke_key`."""
        values = {"project": project, "key_id": key, "at_us": to_us(at)}
        sql = self._db.sql["revoke_key"]
        return await self._db.write(lambda connection: connection.execute(sql, values).rowcount > 0)


def _key(row: tuple[Any, ...]) -> MemoryKey:
    key_id, project, digest, kind, mode, created_at_us, name, user, hint, revoked_at_us, limits = row
    return MemoryKey(
        id=key_id,
        project=project,
        digest=digest,
        kind=KeyKind(kind),
        mode=MemoryMode(mode),
        created_at=from_us(created_at_us),
        name=name,
        user=user,
        hint=hint,
        revoked_at=None if revoked_at_us is None else from_us(revoked_at_us),
        limits=parse_limits(json.loads(limits)),
    )
