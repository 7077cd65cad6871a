"""One capture, within one transaction of the writer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recollect.domain.capture import CaptureReceipt
from recollect.domain.ids import MessageNumber, SessionNumber
from recollect.domain.jobs import GROWTH_CHARACTERS, JobKind
from recollect.stores.placement import Standing, place
from recollect.stores.text import storable
from recollect.stores.times import to_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.capture import Capture, Injection
    from recollect.domain.ids import MessageId
    from recollect.domain.messages import NewMessage
    from recollect.stores.placement import Placement
    from recollect.stores.sqlite.queries import Queries

JOB_MESSAGES = 64
"""A large capture becomes several jobs, so that a lease stays short."""


class CaptureTransaction:
    """Everything that one capture reads and writes; used once."""

    def __init__(self, connection: sqlite3.Connection, queries: Queries, capture: Capture, now: datetime) -> None:
        """Work in the transaction that is open on ``connection``; ``now`` is the queue's time."""
        self._connection = connection
        self._sql = queries
        self._capture = capture
        self._now_us = to_us(now)
        self._captured_at_us = to_us(capture.captured_at)
        self._vault = 0
        self._session = 0

    def run(self) -> CaptureReceipt:
        """Store the capture; see :meth:`MessageStore.capture`."""
        self._vault, sequence, next_message, next_session, next_job = self._counters()
        sequence += 1
        opened = self._find_session()
        if opened:
            self._session = next_session
            self._open_session()
        placement = place(self._capture, self, session_number=self._session, next_number=next_message)
        self._write(placement, sequence)
        jobs = self._enqueue([new.number for new in placement.new], next_job)
        self._touch(placement.live_change)
        rebranched = bool(placement.retired or placement.revived)
        if placement.new or rebranched:
            self._mark_changed(sum(len(new.message.text) for new in placement.new))
        self._connection.execute(
            self._sql["advance_vault"],
            {
                "vault": self._vault,
                "sequence": sequence,
                "next_message_number": next_message + len(placement.new),
                "next_session_number": next_session + opened,
                "next_job_number": next_job + jobs,
                "stored": len(placement.new),
                "opened": int(opened),
                "rebranched": rebranched,
                "active_at_us": self._active_at_us(),
            },
        )
        if self._capture.injection is not None:
            put_injection(self._connection, self._sql, self._vault, self._capture.injection)
        return CaptureReceipt(
            ids=tuple(placement.ids),
            numbers=tuple(map(MessageNumber, placement.numbers)),
            stored=len(placement.new),
            duplicates=len(placement.ids) - len(placement.new),
            session_number=SessionNumber(self._session),
        )

    def _counters(self) -> tuple[int, int, int, int, int]:
        owner = {"project": self._capture.project, "user": self._capture.user, "created_at_us": self._now_us}
        row = self._connection.execute(self._sql["vault_counters"], owner).fetchone()
        if row is None:
            self._connection.execute(self._sql["create_vault"], owner)
            row = self._connection.execute(self._sql["vault_counters"], owner).fetchone()
        vault, sequence, next_message, next_session, next_job = row
        return vault, sequence, next_message, next_session, next_job

    def _find_session(self) -> bool:
        """Look the session up; True where it must be opened."""
        name = {"vault": self._vault, "name": self._capture.session}
        row = self._connection.execute(self._sql["find_session"], name).fetchone()
        self._session = 0 if row is None else row[1]
        return row is None

    def _open_session(self) -> None:
        values = {
            "vault": self._vault,
            "session": self._session,
            "name": self._capture.session,
            "agent_id": self._capture.agent_id,
            "started_at_us": self._started_at_us(),
            "active_at_us": self._active_at_us(),
        }
        self._connection.execute(self._sql["create_session"], values)

    def _touch(self, live_change: int) -> None:
        values = {
            "vault": self._vault,
            "session": self._session,
            "live": live_change,
            "active_at_us": self._active_at_us(),
        }
        self._connection.execute(self._sql["touch_session"], values)

    def _mark_changed(self, characters: int) -> None:
        values = {
            "vault": self._vault,
            "session": self._session,
            "at_us": self._now_us,
            "characters": characters,
            "growth": GROWTH_CHARACTERS,
        }
        self._connection.execute(self._sql["mark_changed"], values)

    def _started_at_us(self) -> int:
        return min((to_us(message.occurred_at) for message in self._capture.messages), default=self._captured_at_us)

    def _active_at_us(self) -> int:
        """When the newest message was said: an import of old conversations does not count as activity of today."""
        newest = max((to_us(message.occurred_at) for message in self._capture.messages), default=self._captured_at_us)
        return min(newest, self._captured_at_us)

    def _write(self, placement: Placement, sequence: int) -> None:
        for numbers, is_live in ((placement.retired, 0), (placement.revived, 1)):
            if numbers:
                values = {
                    "vault": self._vault,
                    "sequence": sequence,
                    "is_live": is_live,
                    "numbers": json.dumps(numbers),
                }
                self._connection.execute(self._sql["set_live"], values)
        rows = [
            {
                "vault": self._vault,
                "number": new.number,
                "session": self._session,
                "depth": new.depth,
                "is_partial": new.message.is_partial,
                "parent_number": new.parent_number,
                "sequence": sequence,
                "occurred_at_us": to_us(new.message.occurred_at),
                "captured_at_us": self._captured_at_us,
                "id": new.id,
                "fingerprint": (fingerprint := new.message.fingerprint),
                "identity": identity if (identity := new.message.identity) != fingerprint else None,
                "role": new.message.role,
                "name": storable(new.message.name),
                "agent_id": storable(new.message.agent_id or self._capture.agent_id),
                "external_id": storable(new.message.external_id),
                "trace_id": self._capture.trace_id,
                "metadata": storable(new.message.metadata),
                "text": storable(new.message.text),
                "content": storable(new.message.content),
            }
            for new in placement.new
        ]
        if rows:
            self._connection.executemany(self._sql["insert_message"], rows)

    def _enqueue(self, numbers: Sequence[int], next_job: int) -> int:
        chunks = [numbers[start : start + JOB_MESSAGES] for start in range(0, len(numbers), JOB_MESSAGES)]
        for job, chunk in enumerate(chunks, start=next_job):
            insert_job(self._connection, self._sql, self._vault, job, chunk, self._now_us)
        return len(chunks)

    def head(self) -> Standing | None:
        """See :class:`SessionView`."""
        return self._standing("head")

    def by_id(self, message: MessageId) -> Standing | None:
        """See :class:`SessionView`."""
        return self._standing("standing_by_id", id=message)

    def by_number(self, number: int) -> Standing | None:
        """See :class:`SessionView`."""
        return self._standing("standing_by_number", number=number)

    def by_external_id(self, external_id: str) -> Standing | None:
        """See :class:`SessionView`."""
        return self._standing("standing_by_external_id", external_id=storable(external_id))

    def by_delivery(self, message: NewMessage, captured_at: datetime) -> Standing | None:
        """See :class:`SessionView`."""
        return self._standing(
            "standing_by_delivery",
            fingerprint=message.fingerprint,
            identity=message.identity,
            captured_at_us=to_us(captured_at),
        )

    def live_from(self, depth: int) -> list[tuple[int, int]]:
        """See :class:`SessionView`."""
        values = {"vault": self._vault, "session": self._session, "depth": depth}
        return self._connection.execute(self._sql["live_from"], values).fetchall()

    def _standing(self, query: str, **values: object) -> Standing | None:
        row = self._connection.execute(
            self._sql[query], {**values, "vault": self._vault, "session": self._session}
        ).fetchone()
        return None if row is None else Standing(*row)


def insert_job(
    connection: sqlite3.Connection, queries: Queries, vault: int, job: int, numbers: Sequence[int], at_us: int
) -> None:
    """Queue one index job."""
    values = {"vault": vault, "job": job, "kind": JobKind.INDEX.value, "numbers": json.dumps(numbers), "at_us": at_us}
    connection.execute(queries["insert_job"], values)


def put_injection(connection: sqlite3.Connection, queries: Queries, vault: int, injection: Injection) -> None:
    """Remember an injection, unless the vault or a message that it quotes is gone."""
    values = {
        "vault": vault,
        "lineage": injection.lineage,
        "injected_at_us": to_us(injection.injected_at),
        "sources": json.dumps(injection.sources),
        "block": storable(injection.block),
    }
    connection.execute(queries["put_injection"], values)
