"""`recollect import`: JSONL in the form of `/v1/memory/ingest`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recollect.cli.options import administrator, load, on_gateway, project_option, settings_options, without_model
from recollect.errors import InvalidRequestError

if TYPE_CHECKING:
    from recollect.bootstrap import Gateway
    from recollect.domain.calls import IngestCall

MESSAGE_FIELDS = ("role", "content", "name", "occurred_at", "id", "metadata", "tool_calls")
WAIT_S = 3600.0


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    stored: int = 0
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--user", help="The user of lines that name none.")
@click.option("--wait", is_flag=True, help="Also compute the vectors now, instead of when the gateway next runs.")
@project_option
@settings_options
def command(
    file: Path, user: str | None, project: str, *, wait: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Store conversations from a JSONL file. Importing a file twice stores nothing twice.

    Each line is {"user", "session_id"?, "agent_id"?, "messages": [{"role", "content", "name"?, "occurred_at"?, "id"?,
    "metadata"?}]}, or one message with "user" and "session_id" beside "role" and "content". Lines that cannot be
    read are reported, and the others are imported; the exit code is 1 then.
    """
    settings = load(config, data_dir=data_dir)
    lines = file.read_text(encoding="utf-8").splitlines()

    async def work(gateway: Gateway) -> Tally:
        return await _import(gateway, lines, user, project, waits=wait)

    tally = on_gateway(settings if wait else without_model(settings), work)
    click.echo(f"{tally.stored} messages stored, {tally.duplicates} were there already.")
    for problem in tally.problems:
        click.echo(problem, err=True)
    if tally.problems:
        raise SystemExit(1)


async def _import(gateway: Gateway, lines: list[str], user: str | None, project: str, *, waits: bool) -> Tally:
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    tally = Tally()
    users: set[str] = set()
    numbered = list(enumerate(lines, 1))
    with click.progressbar(numbered, label="Importing", file=sys.stderr) as bar:
        for number, line in bar:
            if not line.strip():
                continue
            try:
                call = parse_line(line, user, now=datetime.now(tz=UTC))
            except InvalidRequestError as error:
                tally.problems.append(f"line {number}: {error}")
                continue
            users.add(call.user)
            result = await gateway.calls.ingest(administrator(project), call)
            tally.stored += result.stored
            tally.duplicates += result.duplicates
    if waits:
        await gateway.start()
        for name in sorted(users):
            vault = await gateway.store.vaults.open_vault(ProjectId(project), name, may_create=False)
            if vault is not None and not await gateway.worker.wait_indexed(vault.id, WAIT_S):
                tally.problems.append(f"the vectors of {name} are not finished; the gateway goes on with them")
    return tally


def parse_line(line: str, default_user: str | None, *, now: datetime) -> IngestCall:
    """One line as an ingest call. InvalidRequestError says what is wrong with it."""
    from recollect.domain.calls import IngestCall  # noqa: PLC0415 - keeps `--help` instant
    from recollect.domain.ids import SessionName  # noqa: PLC0415 - as above
    from recollect.wire.ingest_messages import read_ingest_messages  # noqa: PLC0415 - as above
    from recollect.wire.json_document import JsonDocument  # noqa: PLC0415 - as above

    document = JsonDocument.parse(line.encode())
    session, agent = _text(document.get("session_id"), "session_id"), _text(document.get("agent_id"), "agent_id")
    user = _text(document.get("user"), "user") or default_user
    if user is None:
        msg = "`user` is required: in the line, or as --user."
        raise _problem(msg, "user")
    messages = document.get("messages")
    if messages is None:
        messages = [{name: document.get(name) for name in MESSAGE_FIELDS if document.get(name) is not None}]
    return IngestCall(
        user=user,
        messages=read_ingest_messages(json.dumps(messages, ensure_ascii=False), now=now, metadata={}, agent_id=agent),
        session_id=SessionName(session) if session else None,
        agent_id=agent,
    )


def _text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        msg = f"`{name}` must be text."
        raise _problem(msg, name)
    return value or None


def _problem(message: str, param: str) -> InvalidRequestError:
    return InvalidRequestError(message, param=param)
