"""Injections and traces in SQLite: what was put into requests, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recollect.domain.capture import Injection
from recollect.domain.ids import MessageNumber, VaultId
from recollect.domain.traces import Trace
from recollect.stores.sqlite.capturing import put_injection
from recollect.stores.text import storable
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import Lineage, ProjectId, TraceId
    from recollect.stores.sqlite.database import Database

_PLACES_LIMIT = 500


class SqliteInjections:
    """Implements :class:`recollect.stores.base.InjectionStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def injections(self, vault: VaultId, lineages: Sequence[Lineage]) -> list[Injection]:
        """See :meth:`InjectionStore.injections`."""
        if not lineages:
            return []
        return await self._db.read(lambda connection: self._select(connection, vault, lineages))

    def _select(self, connection: sqlite3.Connection, vault: VaultId, lineages: Sequence[Lineage]) -> list[Injection]:
        found: list[Injection] = []
        for start in range(0, len(lineages), _PLACES_LIMIT):
            chunk = lineages[start : start + _PLACES_LIMIT]
            values: dict[str, object] = {f"p{index}": value for index, value in enumerate(chunk)}
            sql = self._db.sql.with_places("injections", len(chunk))
            for lineage, block, sources, injected_at_us in connection.execute(sql, {**values, "vault": vault}):
                numbers = tuple(map(MessageNumber, json.loads(sources)))
                found.append(Injection(lineage, block, numbers, from_us(injected_at_us)))
        return found

    async def put_injection(self, vault: VaultId, injection: Injection) -> None:
        """See :meth:`InjectionStore.put_injection`; dropped where the vault or a quoted message is gone."""
        await self._db.write_again(lambda connection: put_injection(connection, self._db.sql, vault, injection))


class SqliteTraces:
    """Implements :class:`recollect.stores.base.TraceStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def put_trace(self, trace: Trace) -> None:
        """See :meth:`TraceStore.put_trace`: written with the next capture, or within half a second."""
        values = {
            "vault": trace.vault or 0,
            "trace_id": trace.id,
            "project": trace.project,
            "created_at_us": to_us(trace.created_at),
            "sources": json.dumps(trace.sources),
            "body": storable(trace.body),
        }
        self._db.write_lazily(lambda connection: connection.execute(self._db.sql["put_trace"], values))

    async def find_trace(self, project: ProjectId, trace: TraceId) -> Trace | None:
        """See :meth:`TraceStore.find_trace`."""
        await self._db.settle()
        sql = self._db.sql["find_trace"]
        values = {"project": project, "trace_id": trace}
        row = await self._db.read(lambda connection: connection.execute(sql, values).fetchone())
        if row is None:
            return None
        trace_id, owner, vault, created_at_us, body, sources = row
        return Trace(
            id=trace_id,
            project=owner,
            vault=VaultId(vault) if vault else None,
            created_at=from_us(created_at_us),
            body=body,
            sources=tuple(map(MessageNumber, json.loads(sources))),
        )

    async def prune_traces(self, older_than: datetime) -> int:
        """See :meth:`TraceStore.prune_traces`."""
        await self._db.settle()
        sql = self._db.sql["prune_traces"]
        values = {"older_than_us": to_us(older_than)}
        return await self._db.write(lambda connection: connection.execute(sql, values).rowcount)
