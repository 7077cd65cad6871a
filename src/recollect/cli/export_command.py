"""`recollect export`: the raw messages, in the form that `recollect import` reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

import click

from recollect.cli.options import (
    load,
    on_gateway,
    project_option,
    settings_options,
    user_names,
    vault_of,
    without_model,
)
from recollect.cli.records import write_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.ids import VaultId
    from recollect.domain.messages import StoredMessage
    from recollect.domain.vaults import Session

PAGE = 500


@click.command("export")
@click.option("--user", help="Only this user. Default: everybody in the project.")
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="The file to write. Default: standard output.",
)
@click.option(
    "--all", "takes_all", is_flag=True, help="Abandoned branches, too (edited questions, regenerated answers)."
)
@project_option
@settings_options
def command(
    user: str | None, output: TextIO, project: str, *, takes_all: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Write conversations as JSONL, session after session, oldest first.

    `recollect import` makes the same vaults of it, in this gateway or in another one. Lines of abandoned branches
    (--all) are for people to read; an import leaves them out.

    \b
    recollect export -o backup.jsonl
    recollect export --user alice | recollect import - --data elsewhere
    """

    async def work(gateway: Gateway) -> int:
        count = 0
        for name in [user] if user else await user_names(gateway, project):
            vault = await vault_of(gateway, project, name)
            async for line in _lines(gateway, vault, takes_all=takes_all):
                count += len(line["messages"]) if isinstance(line["messages"], list) else 0
                output.write(json.dumps({"user": name, **line}, ensure_ascii=False) + "\n")
        return count

    count = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    click.echo(f"{count} messages exported.", err=True)


async def _lines(gateway: Gateway, vault: VaultId, *, takes_all: bool) -> AsyncIterator[dict[str, object]]:
    """The live branch of each session, a few hundred messages a line, then what was abandoned."""
    for session in await _sessions(gateway, vault):
        about = {"session_id": session.name, **({"agent_id": session.agent_id} if session.agent_id else {})}
        branch = await gateway.store.sessions.branch(vault, session.number)
        plain = {entry.number for entry in branch if entry.identity == entry.fingerprint}
        for start in range(0, len(branch), PAGE):
            numbers = [entry.number for entry in branch[start : start + PAGE]]
            messages = await gateway.store.messages.messages(vault, numbers)
            written = [write_message(one, is_plain=one.number in plain, agent_id=session.agent_id) for one in messages]
            yield {**about, "messages": written}
    if takes_all:
        async for message in _abandoned(gateway, vault):
            written = [write_message(message, is_plain=False)]
            yield {"session_id": message.session, "is_abandoned": True, "messages": written}


async def _sessions(gateway: Gateway, vault: VaultId) -> list[Session]:
    found: list[Session] = []
    while True:
        before = found[-1].number if found else None
        page = await gateway.store.sessions.list_sessions(vault, limit=PAGE, before=before)
        found += page
        if len(page) < PAGE:
            return found[::-1]


async def _abandoned(gateway: Gateway, vault: VaultId) -> AsyncIterator[StoredMessage]:
    after = None
    while True:
        page = await gateway.store.messages.list_messages(vault, limit=PAGE, after=after)
        for message in page:
            if not message.is_live:
                yield message
        if len(page) < PAGE:
            return
        after = page[-1].number
