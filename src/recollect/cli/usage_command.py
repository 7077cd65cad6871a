"""`recollect usage`: what exchanges took, from the database itself, beside a running gateway or without one."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, load, on_gateway, settings_options, table, without_model

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.usage import UsageTotal

GROUPS = ("day", "key", "user", "provider", "model")
COLUMNS = ("requests", "input", "cached", "output", "usd", "injected", "spared", "memory usd")
DAY = click.DateTime(["%Y-%m-%d"])


@click.command("usage")
@click.option("--from", "first", type=DAY, help="The first day, UTC.")
@click.option("--to", "last", type=DAY, help="The last day, UTC.")
@click.option(
    "--by",
    "groups",
    type=click.Choice(GROUPS),
    multiple=True,
    default=("day",),
    show_default=True,
    help="What the totals are told apart by. Repeatable.",
)
@click.option("--user", help="Only this user's.")
@click.option("--project", default="default", show_default=True, help="The project.")
@json_option
@settings_options
def command(config: Path | None, data_dir: Path | None, *, as_json: bool, **fields: object) -> None:
    """Show what requests took: tokens, money, and what memory cost or saved.

    \b
    recollect usage --from 2026-05-01 --by model
    """
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant
    from recollect.domain.usage import UsageGroup, UsageQuery  # noqa: PLC0415 - as above

    chosen = fields["groups"]
    query = UsageQuery(
        ProjectId(str(fields["project"])),
        first=_day(fields["first"]),
        last=_day(fields["last"]),
        group_by=frozenset(map(UsageGroup, chosen if isinstance(chosen, tuple) else ())),
        user=str(fields["user"]) if fields["user"] else None,
    )

    async def work(gateway: Gateway) -> list[UsageTotal]:
        return await gateway.store.usage.usage(query)

    _tell(on_gateway(without_model(load(config, data_dir=data_dir)), work), as_json=as_json)


def _day(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else None


def _tell(lines: list[UsageTotal], *, as_json: bool) -> None:
    from recollect.wire.usage_objects import usage_object, usd  # noqa: PLC0415 - keeps `--help` instant

    if as_json:
        click.echo(json.dumps([usage_object(line.counts, line.group) for line in lines], indent=1))
        return
    if not lines:
        click.echo("Nothing was counted in this time.")
        return
    groups = tuple(str(group) for group in lines[0].group)
    rows = [
        (
            *(value or "-" for value in line.group.values()),
            *map(str, (line.counts.requests, line.counts.input_tokens, line.counts.cached_tokens)),
            str(line.counts.output_tokens),
            f"{usd(line.counts.nano_usd):.4f}",
            str(line.counts.injected_tokens),
            str(line.counts.spared_tokens),
            f"{usd(line.counts.memory_nano_usd):.4f}",
        )
        for line in lines
    ]
    click.echo(table((*groups, *COLUMNS), rows))
