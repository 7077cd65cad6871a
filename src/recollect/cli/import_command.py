"""`recollect import`: JSONL in the form of `/v1/memory/ingest`."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

import click

from recollect.cli.batches import Batch, Batcher, read_line
from recollect.cli.options import (
    administrator,
    load,
    on_gateway,
    project_option,
    settings_options,
    vault_of,
    without_model,
)
from recollect.domain.calls import IngestCall
from recollect.errors import InvalidRequestError, StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.calls import IngestResult
    from recollect.domain.messages import NewMessage

MOST_PROBLEMS = 50
ATTEMPTS = 10
RETRY_S = 0.5
WAIT_STEP_S = 1.0


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    stored: int = 0
    duplicates: int = 0
    users: set[str] = field(default_factory=set)
    problems: int = 0

    def complain(self, place: str, problem: str) -> None:
        """Report a line that was not imported; of very many, the first ones."""
        self.problems += 1
        if self.problems <= MOST_PROBLEMS:
            click.echo(f"{place}: {problem}", err=True)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--user", help="The user of lines that name none.")
@click.option("--wait", is_flag=True, help="Also compute the vectors now, instead of when the gateway next runs.")
@project_option
@settings_options
def command(
    file: IO[bytes], user: str | None, project: str, *, wait: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Store conversations from a JSONL file (- for standard input). Importing a file twice stores nothing twice.

    Each line is a conversation, {"user", "session_id"?, "agent_id"?, "messages": [{"role", "content", "name"?,
    "occurred_at"?, "id"?, "metadata"?}]}, or one message: "role" and "content" beside "user" and "session_id".

    Lines that cannot be read are reported with their number, the others are imported, and the exit code is 1.

    \b
    recollect import chats.jsonl
    recollect import notes.jsonl --user alice --wait
    zcat old.jsonl.gz | recollect import -
    """
    settings = load(config, data_dir=data_dir)

    async def work(gateway: Gateway) -> Tally:
        tally = await _import(gateway, file, user, project)
        if wait:
            await _finish_vectors(gateway, project, tally)
        return tally

    tally = on_gateway(settings if wait else without_model(settings), work)
    people = f"{len(tally.users)} user{'s' if len(tally.users) != 1 else ''}"
    click.echo(f"{tally.stored} messages of {people} stored, {tally.duplicates} were there already.")
    if tally.problems:
        click.echo(f"{tally.problems} lines could not be imported.", err=True)
        raise SystemExit(1)


async def _import(gateway: Gateway, file: IO[bytes], user: str | None, project: str) -> Tally:
    tally, batcher = Tally(), Batcher()
    name = getattr(file, "name", "<stdin>")
    size = _size_of(file)
    is_hidden = size == 0 or not sys.stderr.isatty()
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=is_hidden) as bar:
        for number, text in enumerate(file, 1):
            for batch in _batches_of(text, f"{name}, line {number}", user, batcher, tally):
                await _store(gateway, project, batch, tally)
            bar.update(len(text))
        for batch in batcher.finish():
            await _store(gateway, project, batch, tally)
    return tally


def _batches_of(text: bytes, place: str, user: str | None, batcher: Batcher, tally: Tally) -> list[Batch]:
    if not text.strip():
        return []
    try:
        line = read_line(text, default_user=user, now=datetime.now(UTC))
    except InvalidRequestError as error:
        tally.complain(place, error.message.replace("The body", "The line").replace("(line 1, column", "(column"))
        return []
    return [] if line is None else batcher.add(line)


async def _store(gateway: Gateway, project: str, batch: Batch, tally: Tally) -> None:
    tally.users.add(batch.user)
    fresh = await _unknown(gateway, project, batch)
    tally.duplicates += len(batch.messages) - len(fresh)
    if not fresh:
        return
    call = IngestCall(user=batch.user, messages=tuple(fresh), session_id=batch.session, agent_id=batch.agent_id)
    result = await _patiently(gateway, project, call)
    tally.stored += result.stored
    tally.duplicates += result.duplicates


async def _unknown(gateway: Gateway, project: str, batch: Batch) -> list[NewMessage]:
    """The messages that the session does not hold. What has a time or an id of its own is the same wherever it
    stands; so is a message that comes alone. The rest is left to the alignment that every ingest makes."""
    store, principal = gateway.store, administrator(project)
    vault = await store.vaults.open_vault(principal.project, batch.user, may_create=False)
    session = None if vault is None else await store.sessions.find_session(vault.id, batch.session)
    if vault is None or session is None:
        return batch.messages
    known = {entry.identity for entry in await store.sessions.branch(vault.id, session.number)}
    is_lone = len(batch.messages) == 1
    return [one for one in batch.messages if one.identity not in known or not (one.distinguisher or is_lone)]


async def _patiently(gateway: Gateway, project: str, call: IngestCall) -> IngestResult:
    """Ingest, waiting where a running gateway holds the database; repeating is harmless."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await gateway.calls.ingest(administrator(project), call)
        except StoreUnavailableError:
            await asyncio.sleep(RETRY_S)
    return await gateway.calls.ingest(administrator(project), call)


async def _finish_vectors(gateway: Gateway, project: str, tally: Tally) -> None:
    """Work until everything that the imported users have can be recalled with vectors."""
    await gateway.start()
    for name in sorted(tally.users):
        vault = await vault_of(gateway, project, name)
        while not await gateway.worker.wait_indexed(vault, WAIT_STEP_S):
            if sys.stderr.isatty():
                left = await gateway.store.index.pending(vault)
                click.echo(f"\rIndexing {name}: {left} messages left   ", nl=False, err=True)
    if gateway.embedder_problem is not None:
        click.echo(f"There are no vectors: {gateway.embedder_problem}", err=True)


def _size_of(file: IO[bytes]) -> int:
    """Bytes of a regular file; 0 for a pipe, whose end nobody knows."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
