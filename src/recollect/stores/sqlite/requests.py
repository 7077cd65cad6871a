"""The log of requests in SQLite."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from recollect.domain.requests import RequestBodies
from recollect.stores.request_json import decode_record, encode_record
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import ProjectId, TraceId
    from recollect.domain.requests import RequestFilter, RequestRecord
    from recollect.stores.sqlite.database import Database

_ANY_STATUS = (0, 999)
_END_OF_TIME_US = 2**62
_STEPS = (256, 64, 16, 4, 1)
"""So many requests go into one statement: few enough numbers for each to stay prepared."""
_COLUMNS = 8
_ENCODED_AT_ONCE = 32


class SqliteRequests:
    """Implements :class:`recollect.stores.base.RequestStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database
        self._put = {rows: database.sql.with_rows("put_requests", rows, _COLUMNS) for rows in _STEPS}

    async def put_requests(self, records: Sequence[RequestRecord], bodies: Sequence[RequestBodies] = ()) -> None:
        """See :meth:`RequestStore.put_requests`."""
        rows: list[tuple[object, ...]] = []
        for start in range(0, len(records), _ENCODED_AT_ONCE):
            rows += [_row(one) for one in records[start : start + _ENCODED_AT_ONCE] if one.project is not None]
            await asyncio.sleep(0)  # five hundred records take some milliseconds, and requests wait
        said = [_bodies_row(one) for one in bodies]

        def write(connection: sqlite3.Connection) -> None:
            done = 0
            for count in _STEPS:
                while len(rows) - done >= count:
                    step = rows[done : done + count]
                    connection.execute(self._put[count], tuple(chain.from_iterable(step)))
                    done += count
            connection.executemany(self._db.sql["put_request_bodies"], said)

        await self._db.write_again(write)

    async def list_requests(self, project: ProjectId, wanted: RequestFilter) -> list[RequestRecord]:
        """See :meth:`RequestStore.list_requests`."""
        before = await self._find(project, wanted.after) if wanted.after else None
        if wanted.after is not None and before is None:
            return []
        low, high = wanted.statuses or _ANY_STATUS
        values = {
            "project": project,
            "user": wanted.user,
            "model": wanted.model,
            "low": low,
            "high": high,
            "since_us": to_us(wanted.since) if wanted.since else -_END_OF_TIME_US,
            "until_us": to_us(wanted.until) if wanted.until else _END_OF_TIME_US,
            "before_us": before[1] if before else None,
            "before_id": before[0] if before else None,
            "limit": wanted.limit,
        }
        sql = self._db.sql["list_requests" if wanted.user is None else "list_requests_of_user"]
        rows = await self._db.read(lambda connection: connection.execute(sql, values).fetchall())
        return [_record(project, row) for row in rows]

    async def find_request(self, project: ProjectId, request: TraceId) -> RequestRecord | None:
        """See :meth:`RequestStore.find_request`."""
        row = await self._find(project, request)
        return None if row is None else _record(project, row)

    async def find_bodies(self, project: ProjectId, request: TraceId) -> RequestBodies | None:
        """See :meth:`RequestStore.find_bodies`."""
        sql = self._db.sql["find_request_bodies"]
        values = {"project": project, "request_id": request}
        row = await self._db.read(lambda connection: connection.execute(sql, values).fetchone())
        if row is None:
            return None
        identifier, user, created_at_us, path, query, headers, sent, reply = row
        fields = tuple((name, value) for name, value in orjson.loads(headers))
        return RequestBodies(identifier, project, user, from_us(created_at_us), path, query, fields, sent, reply)

    async def prune_requests(self, older_than: datetime, bodies_older_than: datetime) -> int:
        """See :meth:`RequestStore.prune_requests`."""

        def prune(connection: sqlite3.Connection) -> int:
            connection.execute(self._db.sql["prune_request_bodies"], {"older_than_us": to_us(bodies_older_than)})
            return connection.execute(self._db.sql["prune_requests"], {"older_than_us": to_us(older_than)}).rowcount

        return await self._db.write(prune)

    async def _find(self, project: ProjectId, request: TraceId) -> Any:  # noqa: ANN401 - a row, or None
        sql = self._db.sql["find_request"]
        values = {"project": project, "request_id": request}
        return await self._db.read(lambda connection: connection.execute(sql, values).fetchone())


def _row(record: RequestRecord) -> tuple[object, ...]:
    return (
        record.project,
        record.id,
        to_us(record.started_at),
        record.user,
        record.model,
        record.status,
        encode_record(record),
        int(record.is_of_a_vault),
    )


def _bodies_row(bodies: RequestBodies) -> dict[str, object]:
    return {
        "request_id": bodies.id,
        "project": bodies.project,
        "user": bodies.user,
        "created_at_us": to_us(bodies.created_at),
        "path": bodies.path,
        "query": bodies.query,
        "headers": orjson.dumps(bodies.headers).decode(),
        "request": bodies.request,
        "reply": bodies.reply,
    }


def _record(project: ProjectId, row: tuple[Any, ...]) -> RequestRecord:
    identifier, started_at_us, text = row
    return decode_record(identifier, project, from_us(started_at_us), text)
