"""`recollect providers`: a project's own keys for providers, on the database itself."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, load, on_gateway, settings_options, table, without_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.credentials import SealedKey

project_option = click.option("--project", default="default", show_default=True, help="The project that uses the key.")


@click.group("providers")
def command() -> None:
    """Set, list and remove a project's own provider keys."""


@command.command("set")
@click.argument("name")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input; without it, it is asked for.")
@project_option
@settings_options
def set_key(name: str, project: str, config: Path | None, data_dir: Path | None, *, key_stdin: bool) -> None:
    """Give a project its own key for a provider. It is stored encrypted, and never shown again.

    \b
    printenv OPENAI_API_KEY | recollect providers set openai --key-stdin
    recollect providers set anthropic --project acme
    """
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    key: str = sys.stdin.read() if key_stdin else click.prompt("Key", hide_input=True)

    async def work(gateway: Gateway) -> SealedKey:
        return await gateway.credentials.set(ProjectId(project), name, key, datetime.now(UTC))

    made = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    click.echo(f"The project {project} uses its own key for {made.provider} ({made.hint}).")


@command.command("list")
@project_option
@json_option
@settings_options
def list_keys(project: str, config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """List a project's provider keys: never the keys themselves.

    \b
    recollect providers list
    """
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway) -> Sequence[SealedKey]:
        return await gateway.credentials.list(ProjectId(project))

    rows = [
        {"provider": one.provider, "hint": one.hint, "set_at": one.set_at.isoformat(timespec="seconds")}
        for one in on_gateway(without_model(load(config, data_dir=data_dir)), work)
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        click.echo(f"The project {project} has no provider keys of its own: the settings' and the environment's count.")
        return
    click.echo(table(("provider", "hint", "set"), [tuple(row.values()) for row in rows]))


@command.command("remove")
@click.argument("name")
@project_option
@settings_options
def remove(name: str, project: str, config: Path | None, data_dir: Path | None) -> None:
    """Forget a project's key for a provider.

    \b
    recollect providers remove openai
    """
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway) -> bool:
        return await gateway.credentials.remove(ProjectId(project), name)

    if not on_gateway(without_model(load(config, data_dir=data_dir)), work):
        message = f"The project {project} has no key for {name}. `recollect providers list` shows what there is."
        raise click.ClickException(message)
    click.echo(f"Removed the key of {project} for {name}.")
