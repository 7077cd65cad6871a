"""A worker that is killed in the middle of a session leaves the session to the next one, and nothing half done."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from recollect.domain.jobs import JobKind
from recollect.extractors.rules import RuleExtractor
from recollect.remembering.knowledge import Knowledge
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import Writer, said
from recollect.testing.store_suite.samples import START
from recollect.worker import ExtractionSettings, ExtractionWorker

_WORKER = """
import asyncio, sys
from pathlib import Path
from recollect.extractors.rules import RuleExtractor
from recollect.stores.sqlite import open_sqlite_store
from recollect.testing.store_suite import ManualClock
from recollect.testing.store_suite.samples import START
from recollect.worker import ExtractionSettings, ExtractionWorker

class Hanging:
    name, version, window_tokens = "hanging", "1", 1000

    async def extract(self, messages):
        print("reading", flush=True)
        await asyncio.sleep(3600)

async def main():
    clock = ManualClock()
    clock.advance(700)
    store = open_sqlite_store(Path(sys.argv[1]), clock=clock)
    await ExtractionWorker(store, [RuleExtractor(), Hanging()], clock=clock).run_until_idle()

asyncio.run(main())
"""


async def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    now = [START]
    store = open_sqlite_store(path, clock=lambda: now[0])
    writer = Writer(store)
    await writer.write(said("user", "I live in Porto"), said("assistant", "Nice!"))
    vault = await writer.vault()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, str(path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"reading\n"
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    knowledge = Knowledge(store.knowledge)
    assert [one.value for one in (await knowledge.of(vault)).timeline.believed()] == ["Porto"]
    now[0] += timedelta(seconds=700)
    assert await store.jobs.lease(9, 60, JobKind.EXTRACT) == []
    now[0] += timedelta(seconds=ExtractionSettings().lease_s)
    worker = ExtractionWorker(store, [RuleExtractor()], clock=lambda: now[0])
    assert await worker.run_until_idle() == 1
    assert (await store.knowledge.progress()).due == 0
    assert [one.value for one in (await knowledge.of(vault)).timeline.believed()] == ["Porto"]
    await store.control.close()
