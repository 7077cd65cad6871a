"""`recollect users`: who is remembered, and how they are forgotten."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from recollect.cli.options import (
    json_option,
    load,
    on_gateway,
    project_option,
    settings_options,
    table,
    vault_of,
    without_model,
)

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.vaults import ErasureReceipt, VaultSummary

PAGE = 500


@click.group("users")
def command() -> None:
    """List, show and erase users."""


@command.command("list")
@json_option
@project_option
@settings_options
def list_users(project: str, config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """List the users of a project, with the size of their vaults.

    \b
    recollect users list
    recollect users list --json
    """

    async def work(gateway: Gateway) -> list[VaultSummary]:
        from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

        found: list[VaultSummary] = []
        while True:
            after = found[-1].vault.user if found else None
            page = await gateway.store.vaults.list_vaults(ProjectId(project), limit=PAGE, after=after)
            found += page
            if len(page) < PAGE:
                return found

    users = [_record(one) for one in on_gateway(without_model(load(config, data_dir=data_dir)), work)]
    if as_json:
        click.echo(json.dumps(users, indent=1))
        return
    if not users:
        click.echo(f"There are no users in the project {project} yet.")
        return
    head = ("user", "messages", "sessions", "last active")
    click.echo(table(head, [tuple(str(value or "-") for value in user.values()) for user in users]))


@command.command("show")
@click.argument("user")
@json_option
@project_option
@settings_options
def show(user: str, project: str, config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Show one user's vault and its newest sessions.

    \b
    recollect users show alice
    """

    async def work(gateway: Gateway) -> dict[str, object]:
        vault = await vault_of(gateway, project, user)
        summary = await gateway.store.vaults.summarise_vault(vault)
        sessions = await gateway.store.sessions.list_sessions(vault, limit=20)
        return {
            **(_record(summary) if summary else {}),
            "newest sessions": [
                {"session_id": one.name, "messages": one.messages, "last active": _day(one.last_active_at)}
                for one in sessions
            ],
        }

    record = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    if as_json:
        click.echo(json.dumps(record, indent=1))
        return
    for name, value in record.items():
        lines = (
            [f"  {one['session_id']}  {one['messages']} messages" for one in value] if isinstance(value, list) else []
        )
        click.echo("\n".join([f"{name}:", *lines]) if isinstance(value, list) else f"{name}: {value}")


@command.command("delete")
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_option
@settings_options
def delete(user: str, project: str, config: Path | None, data_dir: Path | None, *, yes: bool) -> None:
    """Erase everything of a user: messages, vectors, traces, and what still waits in the spool.

    Prints a receipt. No byte of the text remains in any of the gateway's files.

    \b
    recollect users delete alice
    recollect users delete alice --yes > receipt.json
    """
    if not yes:
        click.confirm(f"Erase everything that is remembered of {user!r}?", abort=True)

    async def work(gateway: Gateway) -> ErasureReceipt | None:
        from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

        await gateway.spool.erase_user(ProjectId(project), user)
        return await gateway.store.vaults.erase_vault(await vault_of(gateway, project, user), datetime.now(UTC))

    receipt = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    if receipt is None:
        message = f"{user!r} was erased by somebody else at the same moment."
        raise click.ClickException(message)
    click.echo(json.dumps(asdict(receipt), default=str, indent=1))


def _record(summary: VaultSummary) -> dict[str, object]:
    return {
        "user": summary.vault.user,
        "messages": summary.messages,
        "sessions": summary.sessions,
        "last active": _day(summary.last_active_at) if summary.last_active_at else None,
    }


def _day(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
