"""Recall for one vault alone, and for the same vault among a thousand.

Fills two databases with synthetic conversations: one holds a single vault, the other that vault and as many
copies of it as asked for, their passages interleaved on the disk as they would be when a thousand people talk
at once. Then the same questions are put to both: with the vault's index not loaded, its file out of the page
cache as well, and with the index loaded.

    python benchmarks/scale/scale.py --vaults 1000 --messages 1000
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recollect.domain.capture import AtHead, Capture
from recollect.domain.ids import ProjectId, SessionName, VaultId
from recollect.domain.messages import NewMessage
from recollect.domain.recall import RecallRequest
from recollect.embedders.base import Embedding
from recollect.recall.engine import RecallEngine
from recollect.recall.indexer import PassageIndexer
from recollect.stores.sqlite import open_sqlite_store
from recollect.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recollect.stores.base import Store

PROJECT = ProjectId("scale")
START = datetime(2026, 1, 1, tzinfo=UTC)
DIMENSION = 384
WORDS = 4000
SESSION_MESSAGES = 40


class SyntheticEmbedder:
    """A vector a word, drawn once: what it costs to store and to rank is that of a model, what it means is nothing."""

    model = "synthetic"
    dimension = DIMENSION

    def __init__(self) -> None:
        """Draw the vectors."""
        drawn = np.random.default_rng(7).standard_normal((WORDS, DIMENSION), np.float32)
        self._vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    async def embed_query(self, text: str) -> Embedding:
        """The vectors of its words."""
        return self._embed(text)

    async def embed_passages(self, texts: Sequence[str]) -> list[Embedding]:
        """One after another."""
        return [self._embed(text) for text in texts]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """A token a word."""
        return [len(text.split()) for text in texts]

    async def close(self) -> None:
        """Nothing is held."""

    def _embed(self, text: str) -> Embedding:
        ids = np.array([sum(word.encode()) * 31 % WORDS for word in text.split()] or [0], np.uint32)
        states: NDArray[np.float32] = self._vectors[ids]
        mean = states.mean(axis=0)
        return Embedding(mean / np.linalg.norm(mean), states, ids)


class Speech:
    """Sentences of made-up words whose frequencies fall as those of a language do."""

    def __init__(self, seed: int) -> None:
        """Make the words up."""
        self._random = random.Random(seed)
        syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
        self._words = ["".join(self._random.choices(syllables, k=self._random.randint(1, 4))) for _ in range(WORDS)]
        self._weights = [1 / (rank + 3) for rank in range(WORDS)]

    def sentence(self, words: int) -> str:
        """So many words."""
        drawn = self._random.choices(self._words, self._weights, k=words)
        return " ".join(drawn).capitalize() + "."

    def message(self) -> str:
        """About 25 words, as in chats."""
        return self.sentence(self._random.randint(8, 42))


@dataclass(slots=True)
class Timings:
    """Recall by what was in memory: milliseconds by the clock and of the processor, of all threads."""

    from_disk: list[tuple[float, float]] = field(default_factory=list)
    cold: list[tuple[float, float]] = field(default_factory=list)
    warm: list[tuple[float, float]] = field(default_factory=list)


async def fill_template(path: Path, messages: int) -> None:
    """One vault, captured and indexed as the gateway does it."""
    store = open_sqlite_store(path)
    speech = Speech(1)
    for number in range(0, messages, SESSION_MESSAGES):
        at = START + timedelta(hours=number)
        said = [
            NewMessage(role="user" if turn % 2 == 0 else "assistant", text=speech.message(), occurred_at=at)
            for turn in range(min(SESSION_MESSAGES, messages - number))
        ]
        session = SessionName(f"session-{number}")
        await store.messages.capture(Capture(PROJECT, "user-1", session, AtHead(), tuple(said), at))
    embedder = SyntheticEmbedder()
    await Worker(store, PassageIndexer(embedder), model=embedder.model).run_until_idle()
    await store.control.close()


def multiply(path: Path, vaults: int) -> None:
    """Copy the first vault; passages go round the vaults, so that no two of a vault are neighbours in the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO vaults (project, user, created_at_us, last_active_at_us, epoch, sequence,"
            " next_message_number, next_session_number, next_job_number, message_count, session_count)"
            " WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT project, 'user-' || i, created_at_us, last_active_at_us, epoch, sequence, next_message_number,"
            " next_session_number, next_job_number, message_count, session_count FROM n, vaults WHERE vault_id = 1",
            (vaults,),
        )
        for table in ("sessions", "messages", "passages"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "vault_id"]
            names = ", ".join(f'"{column}"' for column in columns)
            names_of_template = ", ".join(f'template."{column}"' for column in columns)
            connection.execute(f"CREATE TEMP TABLE template AS SELECT {names} FROM {table}")  # noqa: S608 - our own
            outer, inner = ("template", "vaults") if table == "passages" else ("vaults", "template")
            connection.execute(
                f"INSERT INTO {table} (vault_id, {names}) SELECT vaults.vault_id, {names_of_template}"  # noqa: S608 - our own
                f" FROM {outer} CROSS JOIN {inner} WHERE vaults.vault_id > 1"
            )
            connection.execute("DROP TABLE template")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def leave_page_cache(path: Path) -> None:
    """Ask the system to forget the file's pages, so that they are read from the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


async def time_recall(path: Path, timings: Timings, question: str) -> None:
    """Ask the first vault: its file not in memory, then its index not loaded, then loaded."""
    embedder = SyntheticEmbedder()
    leave_page_cache(path)
    for kind in (timings.from_disk, timings.cold):
        store = open_sqlite_store(path)
        engine = RecallEngine(store.index, store.messages, store.sessions, embedder)
        kind.append(await _asked(engine, question))
        timings.warm.extend([await _asked(engine, question) for _ in range(5)])
        await store.control.close()


async def _asked(engine: RecallEngine, question: str) -> tuple[float, float]:
    began, cpu_began = time.perf_counter(), time.process_time()
    result = await engine.recall(VaultId(1), RecallRequest(question))
    spent, cpu_spent = time.perf_counter() - began, time.process_time() - cpu_began
    if not result.ranking:
        message = f"recall found nothing: {result.gate.reason}"
        raise RuntimeError(message)
    return spent * 1000, cpu_spent * 1000


async def time_writes(path: Path) -> tuple[float, float]:
    """Milliseconds of a capture (median of 200), and seconds to erase a vault with every trace of it."""
    store = open_sqlite_store(path)
    speech = Speech(2)
    spent: list[float] = []
    for number in range(200):
        said = tuple(NewMessage(role="user", text=speech.message(), occurred_at=START) for _ in range(2))
        at = START + timedelta(days=1, seconds=number)
        began = time.perf_counter()
        await store.messages.capture(Capture(PROJECT, "user-1", SessionName("new"), AtHead(), said, at))
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent), await _erased(store)


async def _erased(store: Store) -> float:
    vaults = await store.vaults.list_vaults(PROJECT, limit=1)
    began = time.perf_counter()
    await store.vaults.erase_vault(vaults[-1].vault.id, datetime.now(UTC))
    spent = time.perf_counter() - began
    await store.control.close()
    return spent


def row(name: str, pairs: Sequence[tuple[float, float]]) -> str:
    """One line of the table: by the clock median, 95th percentile and least; of the processor median and least."""
    clock, cpu = (sorted(values) for values in zip(*pairs, strict=True))
    figures = (statistics.median(clock), clock[int(len(clock) * 0.95)], clock[0], statistics.median(cpu), cpu[0])
    return " | ".join([name, *(f"{figure:.1f}" for figure in figures)])


async def compare(databases: dict[str, Path], rounds: int) -> None:
    """Put the same questions to each in turn, so that whatever else the machine does falls on all alike."""
    speech = Speech(1)
    timings = {name: Timings() for name in databases}
    for _ in range(rounds):
        question = speech.sentence(7)
        for name, path in databases.items():
            await time_recall(path, timings[name], question)
    print("recall of one vault, ms | median | p95 | least | CPU median | CPU least")
    print("--- | --- | --- | --- | --- | ---")
    for name, measured in timings.items():
        print(row(f"{name}, file not in memory", measured.from_disk))
        print(row(f"{name}, index not loaded", measured.cold))
        print(row(f"{name}, index loaded", measured.warm))


async def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vaults", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=1000, help="in each vault")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--directory", type=Path, help="where the databases are made (and removed)")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="recollect-scale-", dir=chosen.directory))
    alone, among = folder / "alone.db", folder / "among.db"
    try:
        await fill_template(alone, chosen.messages)
        shutil.copyfile(alone, among)
        began = time.perf_counter()
        multiply(among, chosen.vaults)
        size = among.stat().st_size
        total = chosen.vaults * chosen.messages
        print(f"{total:,} messages in {chosen.vaults:,} vaults: {size / 1e9:.2f} GB, {size / total:.0f} bytes each,")
        print(f"copied in {time.perf_counter() - began:.0f} s\n")
        databases = {"alone": alone, f"among {chosen.vaults:,}": among}
        await compare(databases, chosen.rounds)
        for name, path in databases.items():
            capture_ms, erase_s = await time_writes(path)
            print(f"\n{name}: capture {capture_ms:.2f} ms, erasing one vault without a trace {erase_s:.1f} s")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main())
