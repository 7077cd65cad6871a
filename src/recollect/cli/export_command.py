"""`recollect export`: the raw messages, in the form that `recollect import` reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

import click

from recollect.cli.options import load, on_gateway, project_option, settings_options, without_model

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.ids import VaultId
    from recollect.domain.messages import StoredMessage

PAGE = 500


@click.command("export")
@click.option("--user", help="Only this user. Default: everybody in the project.")
@click.option("-o", "--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="Default: stdout.")
@click.option("--all", "takes_all", is_flag=True, help="Abandoned branches, too.")
@project_option
@settings_options
def command(
    user: str | None, output: TextIO, project: str, *, takes_all: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Write conversations as JSONL, one session a line, oldest first.

    \b
    recollect export -o backup.jsonl
    recollect export --user alice | recollect import /dev/stdin --data elsewhere
    """

    async def work(gateway: Gateway) -> int:
        count = 0
        for name in [user] if user else await _users(gateway, project):
            count += await _export_user(gateway, project, name, output, takes_all=takes_all)
        return count

    count = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    click.echo(f"{count} messages exported.", err=True)


async def _users(gateway: Gateway, project: str) -> list[str]:
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    names: list[str] = []
    while True:
        after = names[-1] if names else None
        page = await gateway.store.vaults.list_vaults(ProjectId(project), limit=PAGE, after=after)
        names += [one.vault.user for one in page]
        if len(page) < PAGE:
            return names


async def _export_user(gateway: Gateway, project: str, user: str, output: TextIO, *, takes_all: bool) -> int:
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    vault = await gateway.store.vaults.open_vault(ProjectId(project), user, may_create=False)
    if vault is None:
        message = f"There is no user {user!r} in the project {project}. `recollect users list` shows all."
        raise click.ClickException(message)
    sessions: dict[str, list[StoredMessage]] = {}
    for stored in await _messages(gateway, vault.id):
        if takes_all or stored.is_live:
            sessions.setdefault(stored.session, []).append(stored)
    for session, messages in sessions.items():
        line = {"user": user, "session_id": session, "messages": [_record(one) for one in messages]}
        output.write(json.dumps(line, ensure_ascii=False) + "\n")
    return sum(map(len, sessions.values()))


async def _messages(gateway: Gateway, vault: VaultId) -> list[StoredMessage]:
    found: list[StoredMessage] = []
    while True:
        after = found[-1].number if found else None
        page = await gateway.store.messages.list_messages(vault, limit=PAGE, after=after)
        found += page
        if len(page) < PAGE:
            return found


def _record(message: StoredMessage) -> dict[str, object]:
    record: dict[str, object] = {"role": message.role, **_content(message)}
    record["occurred_at"] = message.occurred_at.isoformat()
    optional = {"name": message.name, "id": message.external_id}
    record.update({name: value for name, value in optional.items() if value is not None})
    if message.metadata is not None:
        record["metadata"] = json.loads(message.metadata)
    return record


def _content(message: StoredMessage) -> dict[str, object]:
    """The content as it was written: text, parts, or what an assistant's message holds beside its text."""
    if message.content is None:
        return {"content": message.text}
    content = json.loads(message.content)
    return content if isinstance(content, dict) and "content" in content else {"content": content}
