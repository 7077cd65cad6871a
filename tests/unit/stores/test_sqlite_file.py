"""The database file: who may open it, what fails how, what several processes see."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import stat
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from recollect.domain.ids import TraceId
from recollect.domain.traces import Trace
from recollect.errors import SettingsError, StoreUnavailableError
from recollect.stores.sqlite import open_sqlite_store
from recollect.stores.sqlite.connection import unavailable
from recollect.stores.sqlite.migrations import load_migrations, migrate
from recollect.stores.sqlite.queries import Queries
from recollect.testing.store_suite import Writer, said
from recollect.testing.store_suite.samples import PROJECT, START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from recollect.stores.base import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recollect.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = open_sqlite_store(path, busy_timeout_ms=100)
    yield store
    await store.control.close()


def test_the_file_belongs_to_its_owner_alone(path: Path) -> None:
    migrate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_migrating_twice_changes_nothing(path: Path) -> None:
    assert migrate(path) == len(load_migrations())
    before = path.read_bytes()
    assert migrate(path) == len(load_migrations())
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["sessions_with", "standing_by_external_id", "standing_by_delivery", "abandoned_messages"]
)
def test_what_requests_ask_does_not_read_a_whole_vault(path: Path, name: str) -> None:
    migrate(path)
    sql = Queries().with_places(name, 2)
    values = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    with closing(sqlite3.connect(path)) as connection:
        plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert any("messages" in step for step in plan)
    assert not [step for step in plan if "messages" in step and "PRIMARY KEY (vault_id=?)" in step]


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(SettingsError, match=r"newer Recollect \(schema 999.*Upgrade"):
        open_sqlite_store(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreUnavailableError, match="not an SQLite file"):
        open_sqlite_store(path)


def test_a_failed_migration_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = [*load_migrations(), "CREATE TABLE half (id INTEGER);\nCREATE TABLE vaults (id INTEGER);\n"]
    migrate(path)
    monkeypatch.setattr("recollect.stores.sqlite.migrations.load_migrations", lambda: scripts)
    with pytest.raises(StoreUnavailableError):
        migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(scripts) - 1,)


def test_every_query_compiles(path: Path) -> None:
    migrate(path)
    queries = Queries()
    with closing(sqlite3.connect(path)) as connection:
        for name in queries.names():
            sql = queries.with_rows(name, 2, 8) if "{rows}" in queries[name] else queries.with_places(name, 2)
            named = {word.strip(":,();") for word in sql.replace("(", " ").split() if word.startswith(":")}
            values: object = dict.fromkeys(named) if named else (None,) * sql.count("?")
            connection.execute(f"EXPLAIN {sql}", values)  # type: ignore[arg-type]


def test_every_query_of_a_vault_names_the_vault_or_is_for_the_whole_queue() -> None:
    queries = Queries()
    unscoped = {
        name
        for name in queries.names()
        if not any(word in queries[name] for word in (":vault", ":project", "VALUES (?"))
    }
    assert unscoped == {
        "find_key",
        "models",
        "find_model",
        "create_model",
        "due_sessions",
        "outdated_sessions",
        "recent_vaults",
        "stale_messages",
        "is_job_available",
        "lease_jobs",
        "prune_traces",
        "put_requests",
        "prune_requests",
        "prune_request_bodies",
        "window_used",
        "charge_window",
        "prune_windows",
        "list_credentials",
        "remove_credential",
    }


async def test_a_locked_database_is_unavailable_within_a_second(store: Store, path: Path) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="locked by another process; end that process"):
            await writer.exchange("more", "less")
        with pytest.raises(StoreUnavailableError):
            await store.control.check()
        assert time.monotonic() - began < 2
        assert await writer.texts() == ["hi", "hello"]
        other.execute("ROLLBACK")
    await store.control.check()
    await writer.exchange("more", "less")
    assert await writer.texts() == ["hi", "hello", "more", "less"]


async def test_a_full_disk_is_unavailable_and_stores_nothing_by_half(store: Store, path: Path) -> None:
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    with closing(sqlite3.connect(path)) as other:
        pages = other.execute("PRAGMA page_count").fetchone()[0]
    # A limit on the file's size makes SQLite answer SQLITE_FULL, as a full disk does.
    database = store.control._db  # type: ignore[attr-defined]
    await database.write_alone(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    big = said("user", "x" * 200_000)
    failed, small = await asyncio.gather(
        writer.write(big), writer.write(said("user", "small"), session="t"), return_exceptions=True
    )
    assert isinstance(failed, StoreUnavailableError)
    assert "disk is full" in failed.message
    assert await writer.texts(writer.receipts[0].session_number) == ["hi", "hello"]
    await database.write_alone(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
    await writer.write(big)
    assert small is not None


def test_what_the_database_says_becomes_what_to_do() -> None:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY | (1 << 8)
    assert "write access to the data directory" in unavailable(error).message


async def test_work_that_fails_harms_nobody_in_its_group(store: Store) -> None:
    database = store.control._db  # type: ignore[attr-defined]

    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM messages")
        message = "spoilt"
        raise ValueError(message)

    writers = [Writer(store, user=f"u{number}") for number in range(8)]
    results = await asyncio.gather(
        *(writer.exchange("hi", "hello") for writer in writers[:4]),
        database.write(spoil),
        *(writer.exchange("hi", "hello") for writer in writers[4:]),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results].count("ValueError") == 1
    assert [await writer.texts() for writer in writers] == [["hi", "hello"]] * 8


async def test_a_capture_does_not_wait_for_a_busy_writer_for_ever(store: Store) -> None:
    writer = Writer(store)
    database = store.control._db  # type: ignore[attr-defined]
    begun, release = threading.Event(), threading.Event()

    def be_busy(_: sqlite3.Connection) -> bool:
        begun.set()
        return release.wait(30)

    busy = asyncio.create_task(database.write_alone(be_busy))
    assert await asyncio.to_thread(begun.wait, 30)
    with pytest.raises(StoreUnavailableError, match="busy"):
        await writer.exchange("hi", "hello")
    release.set()
    assert await busy
    await writer.exchange("hello", "hi")
    assert await writer.texts() == ["hello", "hi"]


async def test_closing_writes_what_is_left(path: Path) -> None:
    store = open_sqlite_store(path)
    for number in range(300):
        await store.traces.put_trace(Trace(TraceId(f"trc_{number}"), PROJECT, None, START, "{}"))
    await store.control.close()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM traces").fetchone() == (300,)


async def test_another_process_sees_an_erasure_and_opens_a_new_vault(store: Store, path: Path) -> None:
    other = open_sqlite_store(path)
    writer = Writer(store)
    await writer.exchange("hi", "hello")
    vault = await store.vaults.open_vault(PROJECT, "alice", may_create=False)
    assert vault is not None
    assert await other.vaults.open_vault(PROJECT, "alice", may_create=False) == vault
    await store.vaults.erase_vault(vault.id, START)
    assert await other.vaults.open_vault(PROJECT, "alice", may_create=False) is None
    again = await other.vaults.open_vault(PROJECT, "alice", may_create=True)
    assert again is not None
    assert again.id != vault.id
    assert await store.vaults.open_vault(PROJECT, "alice", may_create=False) == again
    await other.control.close()


async def test_two_processes_write_into_one_session(store: Store, path: Path) -> None:
    other = open_sqlite_store(path)
    writers = [Writer(one) for one in (store, other)]
    for number in range(10):
        await asyncio.gather(
            *(writer.exchange(f"q{index}-{number}", f"a{index}-{number}") for index, writer in enumerate(writers))
        )
    texts = await writers[0].texts()
    assert len(texts) == 40
    assert [text[1:] for text in texts[::2]] == [text[1:] for text in texts[1::2]]
    await other.control.close()


async def test_no_byte_of_deleted_text_is_left_in_any_file(store: Store, path: Path) -> None:
    writers = [Writer(store, user=f"somebody-{number}") for number in range(3)]
    for number in range(60):
        for index, writer in enumerate(writers):
            text = f"secret-{index}-{number:03}." + "filler " * (number % 40)
            await writer.write(said("user", text), said("assistant", text.upper()))
    doomed = writers[0].receipts[30].ids[0]
    assert b"secret-0-030." in _bytes_of(path)
    await store.messages.delete_message(await writers[0].vault(), doomed)
    assert b"secret-0-030." not in _bytes_of(path)
    assert b"SECRET-0-030." in _bytes_of(path)
    await store.vaults.erase_vault(await writers[1].vault(), START)
    assert b"ecret-1-" not in _bytes_of(path)
    assert b"ECRET-1-" not in _bytes_of(path)
    assert b"somebody-1" not in _bytes_of(path)
    assert b"secret-2-059." in _bytes_of(path)


async def test_an_erasure_waits_for_readers_of_other_processes(store: Store, path: Path) -> None:
    writer = Writer(store)
    await writer.exchange("a secret", "kept")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM messages").fetchone()
        erasing = asyncio.create_task(store.vaults.erase_vault(await writer.vault(), START))
        await asyncio.sleep(0.3)
        assert not erasing.done()
        other.execute("COMMIT")
        assert await erasing is not None
    assert b"a secret" not in _bytes_of(path)


async def test_traces_are_written_without_being_asked_for(store: Store, path: Path) -> None:
    await store.traces.put_trace(Trace(TraceId("trc_1"), PROJECT, None, START, "{}"))
    for _ in range(100):
        with closing(sqlite3.connect(path)) as other:
            if other.execute("SELECT count(*) FROM traces").fetchone() == (1,):
                return
        await asyncio.sleep(0.05)
    pytest.fail("the trace was never written")


def _bytes_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))
