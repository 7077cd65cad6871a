"""A file that an older version made is opened by this one, with everything in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from recollect.domain.ids import SessionName, SessionNumber, VaultId, message_id, session_root
from recollect.domain.jobs import JobKind
from recollect.domain.messages import fingerprint
from recollect.stores.sqlite import open_sqlite_store
from recollect.stores.sqlite.migrations import load_migrations, migrate
from recollect.testing.store_suite import Writer, passage, said
from recollect.testing.store_suite.samples import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

_FIRST = fingerprint("user", "I moved to Porto")
_ID = message_id(session_root(SessionName("s")), _FIRST)


def _fill_version_1(path: Path) -> None:
    """What version 1 wrote, in its own words: these statements never change."""
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "INSERT INTO vaults (vault_id, project, user, created_at_us, epoch, sequence, next_message_number,"
            " next_session_number, next_job_number, message_count, session_count)"
            " VALUES (7, ?, 'alice', 1000000, 1, 2, 2, 2, 2, 1, 1)",
            (PROJECT,),
        )
        old.execute(
            "INSERT INTO sessions (vault_id, session_number, name, started_at_us, last_active_at_us, live_messages)"
            " VALUES (7, 1, 's', 1000000, 1000000, 1)"
        )
        old.execute(
            "INSERT INTO messages (vault_id, number, session_number, depth, is_live, is_partial, parent_number,"
            " sequence, indexed_with, occurred_at_us, captured_at_us, id, fingerprint, role, text)"
            " VALUES (7, 1, 1, 0, 1, 0, 0, 2, 1, 1000000, 1000000, ?, ?, 'user', 'I moved to Porto')",
            (_ID, _FIRST),
        )
        old.execute("INSERT INTO models (model_number, model) VALUES (1, 'model-a')")
        row = passage(1)
        old.execute(
            'INSERT INTO passages (vault_id, message_number, piece, sequence, start, "end", tokens, model_number,'
            " terms, dense, states, state_ids, extra) VALUES (7, 1, 0, 2, 0, 5, 7, 1, ?, ?, ?, ?, ?)",
            row[6:],
        )
        old.execute(
            "INSERT INTO jobs (vault_id, job_number, kind, state, created_at_us, available_at_us, numbers)"
            " VALUES (7, 1, 'index', 'waiting', 1000000, 1000000, '[1]')"
        )


@pytest.mark.parametrize("version", range(1, len(load_migrations()) + 1))
async def test_a_file_of_an_older_version_goes_on_working(tmp_path: Path, version: int) -> None:
    path = tmp_path / "recollect.db"
    assert migrate(path, up_to=1) == 1
    _fill_version_1(path)
    assert migrate(path, up_to=version) == version
    store = open_sqlite_store(path)
    writer = Writer(store)
    assert await writer.vault() == VaultId(7)
    receipt = await writer.write(said("user", "and then to Lisbon"))
    assert receipt.numbers == (2,)
    assert await writer.texts() == ["I moved to Porto", "and then to Lisbon"]
    delta = await store.index.changes(VaultId(7), epoch=0, after=0)
    assert delta.passages == [passage(1)]
    assert [job.numbers for job in await store.jobs.lease(9, 60)] == [(1,), (2,)]
    await store.control.close()


async def test_sessions_of_version_1_are_extracted_once_by_this_one(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    migrate(path, up_to=1)
    _fill_version_1(path)
    store = open_sqlite_store(path)
    assert (await store.knowledge.progress()).due == 1
    assert await store.knowledge.enqueue_due(datetime.now(UTC), {}, 9) == 1
    (job,) = await store.jobs.lease(9, 60, JobKind.EXTRACT)
    assert (job.vault, job.session) == (7, 1)
    assert await store.knowledge.begin(VaultId(7), SessionNumber(1)) == []
    record = await store.knowledge.knowledge(VaultId(7))
    assert record is not None
    assert record.windows == ()
    await store.jobs.complete([job.id])
    assert (await store.knowledge.progress()).due == 0
    await store.control.close()
