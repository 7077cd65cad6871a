"""Passages and vectors in SQLite."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from recollect.stores.base import VaultDelta
from recollect.stores.sqlite.capturing import JOB_MESSAGES, insert_job
from recollect.stores.sqlite.loading import Loading
from recollect.stores.times import to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from recollect.domain.ids import VaultId
    from recollect.stores.base import PassageRow
    from recollect.stores.sqlite.database import Database


class SqliteIndex:
    """Implements :class:`recollect.stores.base.IndexStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def changes(self, vault: VaultId, *, epoch: int, after: int) -> VaultDelta:
        """See :meth:`IndexStore.changes`. A vault that is gone has epoch 0 and no rows."""
        return await self._db.read(lambda connection: self._changes(connection, vault, epoch, after))

    def _changes(self, connection: sqlite3.Connection, vault: VaultId, epoch: int, after: int) -> VaultDelta:
        version = connection.execute(self._db.sql["vault_version"], {"vault": vault}).fetchone()
        if version is None:
            return VaultDelta(0, 0, [], [])
        current_epoch, sequence = version
        if current_epoch == epoch and sequence <= after:
            return VaultDelta(epoch, sequence, [], [])
        loading = Loading(connection, self._db.sql, vault, after if current_epoch == epoch else None)
        return VaultDelta(current_epoch, sequence, loading.messages(), loading.passages())

    async def put_passages(self, vault: VaultId, rows: Sequence[PassageRow]) -> None:
        """See :meth:`IndexStore.put_passages`."""
        if rows:
            await self._db.write_again(lambda connection: self._put(connection, vault, rows))

    def _put(self, connection: sqlite3.Connection, vault: VaultId, rows: Sequence[PassageRow]) -> None:
        sql = self._db.sql
        named = {"vault": vault, "numbers": json.dumps(sorted({row.message_number for row in rows}))}
        surviving = {number for (number,) in connection.execute(sql["surviving_messages"], named)}
        if not surviving:
            return
        (sequence,) = connection.execute(sql["next_sequence"], named).fetchone()
        connection.execute(sql["delete_passages"], named)
        by_model: dict[str, set[int]] = {}
        for row in rows:
            if row.message_number in surviving:
                by_model.setdefault(row.model, set()).add(row.message_number)
        models = {model: self._model_number(connection, model) for model in by_model}
        connection.executemany(
            sql["insert_passage"],
            [
                (vault, *row[:2], sequence, *row[2:5], models[row.model], *row[6:])
                for row in rows
                if row.message_number in surviving
            ],
        )
        for model, numbers in by_model.items():
            marked = {**named, "numbers": json.dumps(sorted(numbers))}
            connection.execute(sql["mark_indexed"], {**marked, "model_number": models[model], "sequence": sequence})

    def _model_number(self, connection: sqlite3.Connection, model: str) -> int:
        row = connection.execute(self._db.sql["find_model"], {"model": model}).fetchone()
        row = row or connection.execute(self._db.sql["create_model"], {"model": model}).fetchone()
        number: int = row[0]
        return number

    async def enqueue_stale(self, model: str, limit: int) -> int:
        """See :meth:`IndexStore.enqueue_stale`. Messages that an index job names already, dead or not, are left."""
        return await self._db.write_again(lambda connection: self._enqueue_stale(connection, model, limit))

    def _enqueue_stale(self, connection: sqlite3.Connection, model: str, limit: int) -> int:
        values = {"model_number": self._model_number(connection, model), "limit": limit}
        stale = sorted(connection.execute(self._db.sql["stale_messages"], values).fetchall())
        now_us = to_us(self._db.now())
        for vault, entries in groupby(stale, key=lambda entry: entry[0]):
            numbers = [number for _, number in entries]
            for start in range(0, len(numbers), JOB_MESSAGES):
                (job,) = connection.execute(self._db.sql["take_job_number"], {"vault": vault}).fetchone()
                insert_job(connection, self._db.sql, vault, job, numbers[start : start + JOB_MESSAGES], now_us)
        return len(stale)

    async def pending(self, vault: VaultId) -> int:
        """See :meth:`IndexStore.pending`."""
        sql = self._db.sql["pending"]
        count: int = await self._db.read(lambda connection: connection.execute(sql, {"vault": vault}).fetchone()[0])
        return count
