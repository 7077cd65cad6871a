"""`recollect graph`: who is linked to whom."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, on_vault, project_option, settings_options, table, user_option

if TYPE_CHECKING:
    from recollect.bootstrap import Gateway
    from recollect.domain.vaults import Vault

HEAD = ("subject", "relation", "object", "status", "since", "until")


@click.command("graph")
@user_option
@click.option("--entity", help="The one in the middle; the most mentioned ones where it is left out.")
@click.option("--to", help="Show the ways to another entity.")
@click.option("--depth", type=click.IntRange(0, 3), default=1, show_default=True, help="Hops around the entity.")
@click.option("--as-of", help="What was so then, as 2026-03-15.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many entities.")
@json_option
@project_option
@settings_options
def command(**given: object) -> None:
    """Show what messages say of people and things, and how these are linked.

    \b
    recollect graph --user alice --entity Berta --depth 2
    recollect graph --user alice --entity Berta --to Acme
    """
    from recollect.domain.standing import Wanted  # noqa: PLC0415 - keeps `--help` instant
    from recollect.remembering.graph_view import GraphQuery, view  # noqa: PLC0415 - as above
    from recollect.server.graph_objects import graph_object  # noqa: PLC0415 - as above
    from recollect.wire.controls import parse_time  # noqa: PLC0415 - as above

    as_of = None if given["as_of"] is None else parse_time(given["as_of"], "--as-of")
    if given["to"] and not given["entity"]:
        message = "--to needs --entity: a way begins somewhere."
        raise click.UsageError(message)
    query = GraphQuery(
        at=as_of or datetime.now(UTC),
        entity=None if given["entity"] is None else str(given["entity"]),
        to=None if given["to"] is None else str(given["to"]),
        depth=int(str(given["depth"])),
        status=Wanted.OPEN if as_of is None else Wanted.CURRENT,
        most=int(str(given["limit"])),
    )

    async def work(gateway: Gateway, vault: Vault) -> dict[str, object]:
        seen = view(await gateway.knowledge.of(vault.id), query)
        if seen is None:
            message = f"There is no such entity. `recollect graph --user {vault.user}` shows the most mentioned."
            raise click.ClickException(message)
        numbers = sorted({one.message for link in seen.links for one in link.evidence})
        told = {message.number: message for message in await gateway.store.messages.messages(vault.id, numbers)}
        return graph_object(seen, told, query.at)

    found = on_vault(given, work)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if given["as_json"] else _text(found))


def _text(found: dict[str, object]) -> str:
    paths, relations, entities = (found[name] for name in ("paths", "relations", "entities"))
    lines = [_path(path) for path in paths]  # type: ignore[attr-defined]  # lists, as `graph_object` makes them
    if lines:
        return "\n".join(lines)
    rows = [
        (
            one["subject"],
            one["relation"],
            one["object"],
            one["status"],
            (one["valid_from"] or "-")[:10],
            (one["valid_to"] or "-")[:10],
        )
        for one in relations  # type: ignore[attr-defined]  # as above
    ]
    if rows:
        return table(HEAD, rows)
    names = [str(one["name"]) for one in entities]  # type: ignore[attr-defined]  # as above
    return ", ".join(names) if names else "Nothing found."


def _path(path: list[dict[str, str]]) -> str:
    return "; ".join(f"{one['subject']} {one['relation']} {one['object']}" for one in path)
