"""`recollect keys`: works on the database itself, beside a running gateway or without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, load, on_gateway, settings_options, table, without_model

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway

HINT_CHARACTERS = 4


@click.group("keys")
def command() -> None:
    """Create, list and revoke memory keys."""


@command.command("create")
@click.option("--name", default="", help="What the key is for.")
@click.option(
    "--kind",
    type=click.Choice(["client", "vault", "admin"]),
    default="client",
    show_default=True,
    help="client: every user of the project; vault: one user only; admin: keys and settings, too.",
)
@click.option("--user", help="The user of a vault key.")
@click.option(
    "--mode",
    type=click.Choice(["full", "read", "write", "off", "shadow"]),
    default="full",
    show_default=True,
    help="What the key does unless its suffix or a request says otherwise.",
)
@click.option("--project", default="default", show_default=True, help="The project that the key opens.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    help="What the key may take, as '5 usd/day', '60 requests/minute', '1000000 tokens/month'. Repeatable.",
)
@json_option
@settings_options
def create(
    config: Path | None, data_dir: Path | None, *, as_json: bool, limits: tuple[str, ...], **fields: str
) -> None:
    """Create a key. Its secret is shown once, and never again.

    \b
    recollect keys create --name my-app
    recollect keys create --kind vault --user alice --mode read
    recollect keys create --name ci --limit "5 usd/day" --limit "60 requests/minute"
    """
    from recollect.domain.budgets import parse_limits  # noqa: PLC0415 - as below
    from recollect.domain.ids import KeyId, ProjectId, new_id  # noqa: PLC0415 - keeps `--help` instant
    from recollect.domain.keys import KeyKind, MemoryKey, MemoryMode  # noqa: PLC0415 - as above
    from recollect.wire.memory_key import digest, new_secret  # noqa: PLC0415 - as above

    kind, user = KeyKind(fields["kind"]), fields["user"]
    if (kind is KeyKind.VAULT) != bool(user):
        message = "--user goes with --kind vault, and a vault key needs it."
        raise click.UsageError(message)
    try:
        parsed = parse_limits(limits)
    except ValueError as error:
        message = f"--limit: each {error}."
        raise click.UsageError(message) from error
    secret = new_secret()
    key = MemoryKey(
        id=KeyId(new_id("key")),
        project=ProjectId(fields["project"]),
        digest=digest(secret),
        kind=kind,
        mode=MemoryMode(fields["mode"]),
        created_at=datetime.now(UTC),
        name=fields["name"],
        user=user or None,
        hint=secret[-HINT_CHARACTERS:],
        limits=parsed,
    )

    async def work(gateway: Gateway) -> None:
        await gateway.store.keys.create_key(key)

    on_gateway(without_model(load(config, data_dir=data_dir)), work)
    if as_json:
        click.echo(json.dumps({"id": key.id, "key": secret, "kind": kind.value, "mode": key.mode.value}))
        return
    click.echo(f"{secret}\n")
    click.echo("This is the only time that the key is shown. Clients send it as their API key.", err=True)


@command.command("list")
@json_option
@settings_options
def list_keys(config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """List keys: never their secrets.

    \b
    recollect keys list
    """

    async def work(gateway: Gateway) -> list[dict[str, str | None]]:
        return [
            {
                "id": key.id,
                "name": key.name,
                "project": key.project,
                "kind": key.kind.value,
                "mode": key.mode.value,
                "user": key.user,
                "hint": f"…{key.hint}",
                "limits": ", ".join(map(str, key.limits)) or None,
                "created_at": key.created_at.isoformat(timespec="seconds"),
                "revoked_at": key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
            }
            for key in await gateway.store.keys.list_keys()
        ]

    keys = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    if as_json:
        click.echo(json.dumps(keys, indent=1))
        return
    if not keys:
        click.echo("No keys yet: the gateway serves this machine only. `recollect keys create` makes one.")
        return
    head = tuple(name.replace("_at", "") for name in keys[0])
    click.echo(table(head, [tuple(value or "-" for value in key.values()) for key in keys]))


@command.command("revoke")
@click.argument("key_id")
@click.option("--project", default="default", show_default=True, help="The project of the key.")
@settings_options
def revoke(key_id: str, project: str, config: Path | None, data_dir: Path | None) -> None:
    """Revoke a key, at once and for good.

    \b
    recollect keys revoke key_5f0c2a9b7d1e4c3a8f6b0d21
    """
    from recollect.domain.ids import KeyId, ProjectId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway) -> bool:
        return await gateway.store.keys.revoke_key(ProjectId(project), KeyId(key_id), datetime.now(UTC))

    if not on_gateway(without_model(load(config, data_dir=data_dir)), work):
        message = f"There is no live key {key_id} in the project {project}. `recollect keys list` shows what there is."
        raise click.ClickException(message)
    click.echo(f"Revoked {key_id}.")
