"""What extractors found, and edits, in SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recollect.domain.ids import MessageNumber, SessionNumber
from recollect.domain.jobs import JobKind
from recollect.domain.knowledge import (
    ExtractionProgress,
    KnowledgeRecord,
    SessionWindow,
    WindowExtraction,
    WindowMark,
)
from recollect.stores.extraction_json import decode_edit, decode_found, encode_edit, encode_found
from recollect.stores.text import storable
from recollect.stores.times import from_us, to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from recollect.domain.edits import Edit
    from recollect.domain.ids import ProjectId, VaultId
    from recollect.stores.sqlite.database import Database


class SqliteKnowledge:
    """Implements :class:`recollect.stores.base.KnowledgeStore`."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._db = database

    async def enqueue_due(self, quiet_since: datetime, versions: Mapping[str, str], limit: int) -> int:
        """See :meth:`KnowledgeStore.enqueue_due`. Where nothing is due it takes no write lock."""
        due = await self._db.read(lambda connection: self._due(connection, quiet_since, versions, limit))
        if due:
            now_us = to_us(self._db.now())
            await self._db.write_again(lambda connection: self._enqueue(connection, due, now_us))
        return len(due)

    def _due(
        self, connection: sqlite3.Connection, quiet_since: datetime, versions: Mapping[str, str], limit: int
    ) -> list[tuple[int, int]]:
        values = {"quiet_since_us": to_us(quiet_since), "limit": limit}
        due = set(connection.execute(self._db.sql["due_sessions"], values).fetchall())
        for extractor, version in versions.items():
            if len(due) < limit:
                named = {"extractor": extractor, "version": version, "limit": limit - len(due)}
                due.update(connection.execute(self._db.sql["outdated_sessions"], named).fetchall())
        return sorted(due)

    def _enqueue(self, connection: sqlite3.Connection, due: Sequence[tuple[int, int]], now_us: int) -> None:
        sql = self._db.sql
        for vault, session in due:
            values = {"vault": vault, "session": session, "at_us": now_us}
            connection.execute(sql["clear_change"], values)
            if connection.execute(sql["wake_extraction"], values).rowcount == 0:
                number = connection.execute(sql["take_job_number"], values).fetchone()
                if number is not None:
                    job = {"job": number[0], "kind": JobKind.EXTRACT.value, "numbers": json.dumps([session])}
                    connection.execute(sql["insert_job"], {**values, **job})

    async def request(
        self,
        vault: VaultId,
        session: SessionNumber | None = None,
        *,
        anew: bool = False,
        extractor: str | None = None,
    ) -> int:
        """See :meth:`KnowledgeStore.request`."""
        values = {"vault": vault, "session": session, "extractor": extractor, "at_us": to_us(self._db.now())}
        return await self._db.write(lambda connection: self._request(connection, values, anew=anew))

    def _request(self, connection: sqlite3.Connection, values: dict[str, Any], *, anew: bool) -> int:
        if anew:
            connection.execute(self._db.sql["forget_digests"], values)
        connection.execute(self._db.sql["bring_forward"], values)
        query = "request_sessions" if values["session"] is None else "request_session"
        return connection.execute(self._db.sql[query], values).rowcount

    async def begin(self, vault: VaultId, session: SessionNumber) -> list[WindowMark]:
        """See :meth:`KnowledgeStore.begin`."""
        return await self._db.write_again(lambda connection: self._begin(connection, vault, session))

    def _begin(self, connection: sqlite3.Connection, vault: VaultId, session: SessionNumber) -> list[WindowMark]:
        values = {"vault": vault, "session": session}
        connection.execute(self._db.sql["clear_change"], values)
        return [WindowMark(*row) for row in connection.execute(self._db.sql["window_marks"], values)]

    async def put_windows(
        self, vault: VaultId, session: SessionNumber, extractor: str, windows: Sequence[WindowExtraction], count: int
    ) -> int:
        """See :meth:`KnowledgeStore.put_windows`."""
        rows = [_row(vault, session, extractor, window) for window in windows]
        drop = {"vault": vault, "session": session, "extractor": extractor, "count": count}
        return await self._db.write_again(lambda connection: self._put(connection, drop, rows))

    def _put(self, connection: sqlite3.Connection, drop: dict[str, Any], rows: Sequence[dict[str, Any]]) -> int:
        sql = self._db.sql
        changes = connection.execute(sql["drop_windows"], drop).rowcount
        stored = 0
        for row in rows:
            surviving = connection.execute(sql["surviving_messages"], row).fetchall()
            if len(surviving) == row["length"]:
                connection.execute(sql["put_window"], row)
                stored += 1
            else:
                connection.execute(sql["request_session"], {**drop, "at_us": to_us(self._db.now())})
        if changes + stored:
            connection.execute(sql["change_knowledge"], drop)
        return stored

    async def knowledge(self, vault: VaultId, after: int = -1) -> KnowledgeRecord | None:
        """See :meth:`KnowledgeStore.knowledge`. A vault that is gone has sequence 0 and nothing in it."""
        return await self._db.read(lambda connection: self._knowledge(connection, vault, after))

    def _knowledge(self, connection: sqlite3.Connection, vault: VaultId, after: int) -> KnowledgeRecord | None:
        sql, values = self._db.sql, {"vault": vault}
        row = connection.execute(sql["knowledge_sequence"], values).fetchone()
        sequence = 0 if row is None else row[0]
        if sequence == after:
            return None
        return KnowledgeRecord(
            sequence=sequence,
            windows=tuple(_window(row) for row in connection.execute(sql["windows"], values)),
            edits=tuple(decode_edit(body) for (body,) in connection.execute(sql["edits"], values)),
            abandoned=frozenset(
                MessageNumber(number) for (number,) in connection.execute(sql["abandoned_messages"], values)
            ),
        )

    async def add_edit(self, vault: VaultId, edit: Edit) -> bool:
        """See :meth:`KnowledgeStore.add_edit`."""
        sources = sorted({one.message for one in edit.claim.evidence}) if edit.claim else []
        values = {
            "vault": vault,
            "at_us": to_us(edit.at),
            "sources": json.dumps(sources),
            "body": storable(encode_edit(edit)),
        }
        return await self._db.write(lambda connection: self._add_edit(connection, values))

    def _add_edit(self, connection: sqlite3.Connection, values: dict[str, Any]) -> bool:
        is_kept = connection.execute(self._db.sql["add_edit"], values).rowcount > 0
        if is_kept:
            connection.execute(self._db.sql["change_knowledge"], values)
        return is_kept

    async def progress(
        self,
        *,
        vault: VaultId | None = None,
        project: ProjectId | None = None,
        session: SessionNumber | None = None,
    ) -> ExtractionProgress:
        """See :meth:`KnowledgeStore.progress`."""
        values = {"vault": vault, "project": project, "session": session}
        return await self._db.read(lambda connection: self._progress(connection, values))

    def _progress(self, connection: sqlite3.Connection, values: dict[str, Any]) -> ExtractionProgress:
        sql = self._db.sql
        messages, indexed, embedded = connection.execute(sql["count_messages"], values).fetchone()
        due, oldest_us = connection.execute(sql["count_due"], values).fetchone()
        return ExtractionProgress(
            messages=messages,
            indexed=indexed,
            embedded=embedded,
            extracted=dict(connection.execute(sql["count_extracted"], values).fetchall()),
            dropped=dict(connection.execute(sql["count_dropped"], values).fetchall()),
            due=due,
            oldest_due_at=None if oldest_us is None else from_us(oldest_us),
        )


def _row(vault: VaultId, session: SessionNumber, extractor: str, window: WindowExtraction) -> dict[str, Any]:
    return {
        "vault": vault,
        "session": session,
        "extractor": extractor,
        "window": window.window,
        "version": window.version,
        "digest": window.digest,
        "extracted_at_us": to_us(window.extracted_at),
        "numbers": json.dumps(window.numbers),
        "length": len(window.numbers),
        "dropped": json.dumps(dict(window.found.dropped)),
        "found": storable(encode_found(window.found)),
    }


def _window(row: tuple[Any, ...]) -> SessionWindow:
    session, extractor, window, version, digest, extracted_at_us, numbers, dropped, found = row
    return SessionWindow(
        SessionNumber(session),
        extractor,
        WindowExtraction(
            window=window,
            version=version,
            digest=digest,
            numbers=tuple(map(MessageNumber, json.loads(numbers))),
            found=decode_found(found, dropped),
            extracted_at=from_us(extracted_at_us),
        ),
    )
