"""Options that several commands share, and what they lead to: settings, and the gateway's parts."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from recollect.bootstrap import Gateway
    from recollect.domain.ids import VaultId
    from recollect.domain.keys import Principal
    from recollect.domain.vaults import Vault
    from recollect.settings import Given, Settings

P = ParamSpec("P")
T = TypeVar("T")


def settings_options(function: Callable[P, T]) -> Callable[P, T]:
    """`--config` and `--data`, for every command that works on the store."""
    for decorator in (
        click.option(
            "--config",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Settings file; recollect.toml in this folder where it is left out.",
        ),
        click.option(
            "--data", "data_dir", type=click.Path(file_okay=False, path_type=Path), help="Folder of the database."
        ),
    ):
        function = decorator(function)
    return function


def project_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--project`, for commands that work on users."""
    return click.option("--project", default="default", show_default=True, help="The project of the users.")(function)


def user_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--user`, for commands on what is known of somebody."""
    return click.option("--user", required=True, help="Whose memory it is.")(function)


def json_option(function: Callable[P, T]) -> Callable[P, T]:
    """`--json`, for output that programs read."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def administrator(project: str) -> Principal:
    """Whoever can read the database may do everything in it."""
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant
    from recollect.domain.keys import KeyKind, MemoryMode, Principal  # noqa: PLC0415 - as above

    return Principal(project=ProjectId(project), kind=KeyKind.ADMIN, mode=MemoryMode.FULL, key_id=None)


def given(config: Path | None, **flags: object) -> Given:
    """What the command line says; what is None was not given."""
    from recollect.settings import Given  # noqa: PLC0415 - keeps `--help` instant

    return Given({name: value for name, value in flags.items() if value not in (None, (), {})}, config)


def load(config: Path | None, **flags: object) -> Settings:
    """The settings in force."""
    return given(config, **flags).load()


def on_gateway(settings: Settings, work: Callable[[Gateway], Awaitable[T]]) -> T:
    """Run work on the gateway's parts, without serving; works beside a running gateway."""
    from recollect.bootstrap import open_services  # noqa: PLC0415 - keeps `--help` instant

    logging.getLogger("recollect").addHandler(logging.NullHandler())  # what matters is said by the command itself

    async def run() -> T:
        async with open_services(settings) as gateway:
            return await work(gateway)

    return asyncio.run(run())


def on_vault(
    given: Mapping[str, object], work: Callable[[Gateway, Vault], Awaitable[T]], *, may_create: bool = False
) -> T:
    """Run work on the vault of `--user`, for commands that need no vectors."""

    async def run(gateway: Gateway) -> T:
        vault = await open_vault(gateway, str(given["project"]), str(given["user"]), may_create=may_create)
        return await work(gateway, vault)

    config = given["config"]
    settings = load(config if isinstance(config, Path) else None, data_dir=given["data_dir"])
    return on_gateway(without_model(settings), run)


async def open_vault(gateway: Gateway, project: str, user: str, *, may_create: bool = False) -> Vault:
    """The vault of a user. A one-line error where there is none."""
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    vault = await gateway.store.vaults.open_vault(ProjectId(project), user, may_create=may_create)
    if vault is None:
        message = f"There is no user {user!r} in the project {project}. `recollect users list` shows all."
        raise click.ClickException(message)
    return vault


async def vault_of(gateway: Gateway, project: str, user: str) -> VaultId:
    """The id of a user's vault. A one-line error where there is none."""
    return (await open_vault(gateway, project, user)).id


async def user_names(gateway: Gateway, project: str) -> list[str]:
    """Every user of a project, by name."""
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    page_size = 500
    names: list[str] = []
    while True:
        after = names[-1] if names else None
        page = await gateway.store.vaults.list_vaults(ProjectId(project), limit=page_size, after=after)
        names += [one.vault.user for one in page]
        if len(page) < page_size:
            return names


def without_model(settings: Settings) -> Settings:
    """The same settings for commands that need no vectors: no model is loaded."""
    return settings.model_copy(update={"embedder": settings.embedder.model_copy(update={"kind": "none"})})


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Aligned columns, two spaces apart."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)
