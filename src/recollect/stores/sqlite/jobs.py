"""The durable queue in SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recollect.domain.ids import JobId, MessageNumber, VaultId
from recollect.domain.jobs import Backlog, Job, JobKind, JobState
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.stores.sqlite.database import Database

_NUMBER_BITS = 32
"""A job's id is its vault's number and its own within the vault: unique, never reused, and it leads to its key."""


class SqliteJobs:
    """Implements :class:`recollect.stores.base.JobStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def lease(self, limit: int, lease_s: float, kind: JobKind = JobKind.INDEX) -> list[Job]:
        """See :meth:`JobStore.lease`. Looking into an empty queue takes no write lock."""
        now_us = to_us(self._db.now())
        until_us = now_us + int(lease_s * 1_000_000)
        values = {"now_us": now_us, "until_us": until_us, "limit": limit, "kind": kind.value}
        look = self._db.sql["is_job_available"]
        (is_available,) = await self._db.read(lambda connection: connection.execute(look, values).fetchone())
        if not is_available:
            return []
        sql = self._db.sql["lease_jobs"]
        rows = await self._db.write_again(lambda connection: connection.execute(sql, values).fetchall())
        return sorted(map(_job, rows), key=lambda job: (job.created_at, job.id))

    async def complete(self, jobs: Sequence[JobId]) -> None:
        """See :meth:`JobStore.complete`."""
        if jobs:
            await self._db.write_again(lambda connection: self._complete(connection, jobs))

    def _complete(self, connection: sqlite3.Connection, jobs: Sequence[JobId]) -> None:
        for job in jobs:
            key = _key(job)
            row = connection.execute(self._db.sql["next_sequence"], key).fetchone()
            if row is not None:
                connection.execute(self._db.sql["unindexable"], {**key, "sequence": row[0]})
                connection.execute(self._db.sql["complete_job"], key)

    async def release(self, jobs: Sequence[JobId]) -> None:
        """See :meth:`JobStore.release`."""
        if jobs:
            sql, now_us = self._db.sql["release_job"], to_us(self._db.now())
            rows = [{**_key(job), "now_us": now_us} for job in jobs]
            await self._db.write_again(lambda connection: connection.executemany(sql, rows).rowcount)

    async def fail(self, job: JobId, error: str, retry_at: datetime | None) -> None:
        """See :meth:`JobStore.fail`."""
        values = {**_key(job), "error": error, "retry_at_us": None if retry_at is None else to_us(retry_at)}
        sql = self._db.sql["bury_job" if retry_at is None else "retry_job"]
        await self._db.write_again(lambda connection: connection.execute(sql, values).rowcount)

    async def list_dead(self, limit: int, vault: VaultId | None = None) -> list[Job]:
        """See :meth:`JobStore.list_dead`."""
        sql = self._db.sql["list_dead"]
        values = {"limit": limit, "vault": vault}
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return [_job(row) for row in rows]

    async def replay_dead(self, limit: int, vault: VaultId | None = None) -> int:
        """See :meth:`JobStore.replay_dead`."""
        sql = self._db.sql["replay_dead"]
        values = {"limit": limit, "vault": vault, "now_us": to_us(self._db.now())}
        return await self._db.write_again(lambda connection: connection.execute(sql, values).rowcount)

    async def backlog(self, vault: VaultId | None = None) -> Backlog:
        """See :meth:`JobStore.backlog`."""
        sql = self._db.sql["backlog"]
        values = {"vault": vault, "now_us": to_us(self._db.now())}
        row = await self._db.read(lambda connection: connection.execute(sql, values).fetchone())
        waiting, leased, dead, *oldest = row
        return Backlog(waiting, leased, dead, *(None if at_us is None else from_us(at_us) for at_us in oldest))


def _key(job: JobId) -> dict[str, int]:
    return {"vault": job >> _NUMBER_BITS, "job": job & (2**_NUMBER_BITS - 1)}


def _job(row: tuple[Any, ...]) -> Job:
    vault, number, kind, numbers, attempts, created_at_us, state, last_error = row
    return Job(
        id=JobId(vault << _NUMBER_BITS | number),
        vault=VaultId(vault),
        kind=JobKind(kind),
        numbers=tuple(map(MessageNumber, json.loads(numbers))),
        attempts=attempts,
        created_at=from_us(created_at_us),
        state=JobState(state),
        last_error=last_error,
    )
