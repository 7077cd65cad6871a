"""A database that is locked or full: the reply arrives, the messages wait in the spool and are stored later."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from openai import OpenAI

from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import GatewayProcess
from tests.e2e.vaults import eventually, stored_texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recollect.testing.scripted_provider import ScriptedProvider

ENVIRONMENT = {"RECOLLECT_EMBEDDER_KIND": "none"}
REFUSING = "CREATE TRIGGER refuses BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'refused'); END"


@pytest.fixture
def gateway(tmp_path: Path, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    """A gateway of this test's own."""
    running = GatewayProcess(tmp_path / "data", provider.base_url, environment=ENVIRONMENT).start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


def say(gateway: GatewayProcess, text: str, *, is_streamed: bool) -> tuple[str, str]:
    """The reply and ``X-Memory-Stored``."""
    with OpenAI(base_url=gateway.base_url, api_key=gateway.admin_key, max_retries=0, timeout=30) as client:
        messages = [{"role": "user", "content": text}]
        create = client.chat.completions.with_raw_response.create
        if is_streamed:
            raw = create(model="openai/m", messages=messages, user="alice", stream=True)  # type: ignore[call-overload]
            reply = "".join(chunk.choices[0].delta.content or "" for chunk in raw.parse() if chunk.choices)
        else:
            raw = create(model="openai/m", messages=messages, user="alice")  # type: ignore[call-overload]
            reply = raw.parse().choices[0].message.content
        return reply, raw.headers["X-Memory-Stored"]


def lock(gateway: GatewayProcess) -> sqlite3.Connection:
    """Hold the database's write lock, as another program could."""
    (path,) = gateway.data_dir.glob("*.db")
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_locked_database_delays_storing_and_nothing_else(
    gateway: GatewayProcess, provider: ScriptedProvider, is_streamed: bool
) -> None:
    assert say(gateway, "before the lock", is_streamed=False) == (ANSWER, "yes")
    connection = lock(gateway)
    assert say(gateway, "while it is locked", is_streamed=is_streamed) == (ANSWER, "spooled")
    connection.rollback()
    connection.close()
    assert eventually(lambda: "while it is locked" in stored_texts(gateway, "alice", "user"))
    assert sorted(stored_texts(gateway, "alice", "user")) == ["before the lock", "while it is locked"]


def test_the_spool_is_drained_after_a_kill(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    assert say(gateway, "before the lock", is_streamed=False) == (ANSWER, "yes")
    connection = lock(gateway)
    assert say(gateway, "while it is locked", is_streamed=False) == (ANSWER, "spooled")
    gateway.kill()
    connection.rollback()
    connection.close()
    gateway.start()
    assert eventually(lambda: "while it is locked" in stored_texts(gateway, "alice", "user"))
    assert sorted(stored_texts(gateway, "alice", "user")) == ["before the lock", "while it is locked"]


def test_a_full_disk_delays_storing_and_nothing_else(gateway: GatewayProcess, provider: ScriptedProvider) -> None:
    assert say(gateway, "before it is full", is_streamed=False) == (ANSWER, "yes")
    assert gateway.process is not None
    longest = max(path.stat().st_size for path in gateway.data_dir.iterdir())
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))
    for number in range(3):
        reply, stored = say(gateway, f"while it is full {number} {'x' * 5000}", is_streamed=False)
        assert reply == ANSWER
        assert stored in {"yes", "spooled"}
    assert stored == "spooled"
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert eventually(lambda: len(stored_texts(gateway, "alice", "user")) == 4)


def change(gateway: GatewayProcess, statement: str) -> None:
    (path,) = gateway.data_dir.glob("*.db")
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("is_streamed", [False, True])
def test_what_the_database_refuses_is_kept_and_stored_once_it_is_mended(
    gateway: GatewayProcess, provider: ScriptedProvider, is_streamed: bool
) -> None:
    assert say(gateway, "before", is_streamed=False) == (ANSWER, "yes")
    change(gateway, REFUSING)
    reply, stored = say(gateway, "refused", is_streamed=is_streamed)
    assert reply == ANSWER
    assert stored == ("yes" if is_streamed else "spooled")  # a stream's head foresees what a defect will do otherwise
    assert eventually(lambda: any(gateway.data_dir.glob("spool/*.rejected")))
    assert "refused" not in stored_texts(gateway, "alice", "user")
    change(gateway, "DROP TRIGGER refuses")
    gateway.restart()
    assert eventually(lambda: "refused" in stored_texts(gateway, "alice", "user"))
    assert sorted(stored_texts(gateway, "alice", "user")) == ["before", "refused"]
    assert not any(gateway.data_dir.glob("spool/*.rejected"))
