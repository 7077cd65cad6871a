"""A process that is killed while it captures loses nothing that it had acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite.samples import PROJECT

_WRITER = """
import asyncio, sys
from pathlib import Path
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import Writer, passage, said

async def talk(store, user):
    writer = Writer(store, user=user)
    for number in range(100_000):
        receipt = await writer.write(said("user", f"{user} asks {number}"), said("assistant", f"{user} hears {number}"))
        print(user, number, flush=True)
        await store.index.put_passages(await writer.vault(), [passage(part) for part in receipt.numbers])

async def main():
    store = open_sqlite_store(Path(sys.argv[1]))
    await asyncio.gather(*(talk(store, f"u{number}") for number in range(4)))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged_before_the_kill", [5, 120])
async def test_nothing_acknowledged_is_lost(tmp_path: Path, acknowledged_before_the_kill: int) -> None:
    path = tmp_path / "recollect.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, str(path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(acknowledged_before_the_kill)]
    os.kill(process.pid, signal.SIGKILL)
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    newest: dict[str, int] = {}
    for line in lines:
        if line.endswith(b"\n"):
            user, number = line.decode().split()
            newest[user] = max(newest.get(user, -1), int(number))
    store = open_sqlite_store(path)
    for user, number in newest.items():
        vault = await store.vaults.open_vault(PROJECT, user, may_create=False)
        assert vault is not None
        texts = [message.text for message in await store.messages.list_messages(vault.id, limit=1_000_000)]
        expected = [text for turn in range(number + 1) for text in (f"{user} asks {turn}", f"{user} hears {turn}")]
        assert texts[: len(expected)] == expected
        assert len(texts) % 2 == 0
        assert len(set(texts)) == len(texts)
    await store.control.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
