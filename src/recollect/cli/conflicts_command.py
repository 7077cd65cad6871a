"""`recollect conflicts`: what contradicts itself, and which side is right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, on_vault, project_option, settings_options, user_option

if TYPE_CHECKING:
    from recollect.bootstrap import Gateway
    from recollect.domain.memories import Conflict
    from recollect.domain.vaults import Vault


@click.group("conflicts")
def command() -> None:
    """Show and settle contradictions that wait for an answer."""


@command.command("list")
@user_option
@json_option
@project_option
@settings_options
def list_conflicts(**given: object) -> None:
    """List contradictions with their choices. Only the setting `knowledge.conflicts = "ask"` leaves any.

    \b
    recollect conflicts list --user alice
    """

    async def work(gateway: Gateway, vault: Vault) -> list[dict[str, object]]:
        known = await gateway.knowledge.of(vault.id)
        return [_record(one) for one in known.timeline.conflicts]

    found = on_vault(given, work)
    if given["as_json"]:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one['id']}  {one['subject']}, {one['attribute']}:")
        for choice in one["choices"]:  # type: ignore[attr-defined]  # a list, see below
            click.echo(f"  {choice['memory_id']}  {choice['value']}")
    if not found:
        click.echo("Nothing contradicts itself.")


@command.command("resolve")
@click.argument("conflict_id")
@click.argument("choice")
@user_option
@project_option
@settings_options
def resolve(conflict_id: str, choice: str, **given: object) -> None:
    """Settle a contradiction: CHOICE is the memory that is right, or `both`.

    \b
    recollect conflicts resolve cfl_0123456789abcdef mem_0123456789abcdef --user alice
    recollect conflicts resolve cfl_0123456789abcdef both --user alice
    """
    from recollect.domain.ids import ConflictId, MemoryId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway, vault: Vault) -> None:
        memory = None if choice == "both" else MemoryId(choice)
        await gateway.editor.resolve(vault.id, ConflictId(conflict_id), memory)

    on_vault(given, work)
    click.echo(f"Settled {conflict_id}: {choice}.")


def _record(conflict: Conflict) -> dict[str, object]:
    return {
        "id": conflict.id,
        "subject": conflict.subject,
        "attribute": conflict.attribute.value,
        "choices": [
            {"memory_id": memory, "value": value}
            for memory, value in zip(conflict.memories, conflict.values, strict=True)
        ],
    }
