"""`recollect memories`: what is known of a person, and how it is put right."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, on_vault, project_option, settings_options, table, user_option
from recollect.domain.edits import Feedback
from recollect.domain.memories import Attribute
from recollect.domain.standing import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recollect.bootstrap import Gateway
    from recollect.domain.ids import VaultId
    from recollect.domain.memories import Memory
    from recollect.domain.statements import StatementChanges
    from recollect.domain.vaults import Vault

    Record = dict[str, object]

HEAD = ("memory", "status", "since", "until", "pinned", "text")


@click.group("memories")
def command() -> None:
    """List, add, correct and forget what is known of a user."""


@command.command("list")
@user_option
@click.option(
    "--status", type=click.Choice([one.value for one in Wanted]), help="By how they stand; `open` by default."
)
@click.option("--attribute", type=click.Choice([one.value for one in Attribute]), help="Only of this attribute.")
@click.option("--subject", help="Only about somebody.")
@click.option("--entity", help="Only those that are about, or name, an entity.")
@click.option("--category", help="Only of a category.")
@click.option("--pinned", is_flag=True, help="Only pinned ones.")
@click.option("--as-of", help="What was so then, as 2026-03-15.")
@json_option
@project_option
@settings_options
def list_memories(**given: object) -> None:
    """List what is known of a user, each with the words that it rests on in `--json`.

    \b
    recollect memories list --user alice
    recollect memories list --user alice --attribute home --as-of 2026-03-15
    """
    from recollect.remembering.choosing import MemoryFilter, choose  # noqa: PLC0415 - keeps `--help` instant

    as_of = _moment(given["as_of"], "--as-of")
    default = Wanted.OPEN if as_of is None else Wanted.CURRENT
    wanted = MemoryFilter(
        at=as_of or datetime.now(UTC),
        status=Wanted(str(given["status"])) if given["status"] else default,
        subject=_text(given["subject"]),
        attribute=Attribute(str(given["attribute"])) if given["attribute"] else None,
        entity=_text(given["entity"]),
        category=_text(given["category"]),
        is_pinned=True if given["pinned"] else None,
    )

    async def work(gateway: Gateway, vault: Vault) -> list[Record]:
        chosen = choose(await gateway.knowledge.of(vault.id), wanted)
        return await records(gateway, vault.id, chosen, wanted.at)

    _show(on_vault(given, work), as_json=bool(given["as_json"]))


@command.command("history")
@click.argument("memory_id")
@user_option
@json_option
@project_option
@settings_options
def history(memory_id: str, **given: object) -> None:
    """Show every version of one memory, and why each was given up.

    \b
    recollect memories history mem_0123456789abcdef --user alice
    """
    from recollect.domain.ids import MemoryId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway, vault: Vault) -> list[Record]:
        await gateway.editor.find(vault.id, MemoryId(memory_id))
        known = await gateway.knowledge.of(vault.id)
        return await records(gateway, vault.id, known.timeline.history(MemoryId(memory_id)), datetime.now(UTC))

    _show(on_vault(given, work), as_json=bool(given["as_json"]))


def _word_options(function: Callable[..., None]) -> Callable[..., None]:
    for decorator in (
        click.option("--until", help="Until when it was so."),
        click.option("--since", help="Since when it is so, as 2026-04-01."),
        click.option("--category", help="A name to sort it by."),
        click.option("--subject", help="Whom it is about; the user where it is left out."),
        click.option("--attribute", type=click.Choice([one.value for one in Attribute]), help="What it is about."),
    ):
        function = decorator(function)
    return function


@command.command("add")
@click.argument("value")
@user_option
@_word_options
@click.option("--pin", is_flag=True, help="Tell it whenever its words come up, and first in the profile.")
@json_option
@project_option
@settings_options
def add(value: str, **given: object) -> None:
    """Remember something that was not said.

    \b
    recollect memories add --user alice --attribute allergy peanuts --pin
    recollect memories add --user alice "prefers short answers"
    """
    from dataclasses import replace  # noqa: PLC0415 - keeps `--help` instant

    from recollect.domain.statements import Statement  # noqa: PLC0415 - as above

    statement = replace(Statement(value), **_changes(given))

    async def work(gateway: Gateway, vault: Vault) -> list[Record]:
        memory = await gateway.editor.add(vault, statement)
        if given["pin"]:
            memory = await gateway.editor.pin(vault.id, memory.id, is_pinned=True)
        return await records(gateway, vault.id, [memory], datetime.now(UTC))

    _show(on_vault(given, work, may_create=True), as_json=bool(given["as_json"]))


@command.command("edit")
@click.argument("memory_id")
@click.argument("value", required=False)
@user_option
@_word_options
@click.option("--pin/--unpin", default=None, help="Tell it whenever its words come up; or no longer.")
@click.option("--expires", help="Do not recall it from then on; `never` takes that back.")
@json_option
@project_option
@settings_options
def edit(memory_id: str, value: str | None, **given: object) -> None:
    """Correct a memory: a new version says VALUE. What is not named stays.

    \b
    recollect memories edit mem_0123456789abcdef Lisbon --user alice
    recollect memories edit mem_0123456789abcdef --user alice --until 2026-04-01
    recollect memories edit mem_0123456789abcdef --user alice --pin --expires 2026-12-31
    """
    from recollect.domain.ids import MemoryId  # noqa: PLC0415 - keeps `--help` instant

    changes = _changes(given)
    if value:
        changes["value"] = value
    memory = MemoryId(memory_id)
    ends = None if given["expires"] == "never" else _moment(given["expires"], "--expires")

    async def work(gateway: Gateway, vault: Vault) -> list[Record]:
        editor = gateway.editor
        found = await (editor.edit(vault, memory, changes) if changes else editor.find(vault.id, memory))
        if given["pin"] is not None:
            found = await editor.pin(vault.id, memory, is_pinned=bool(given["pin"]))
        if given["expires"] is not None:
            found = await editor.expire(vault.id, memory, ends)
        return await records(gateway, vault.id, [found], datetime.now(UTC))

    _show(on_vault(given, work), as_json=bool(given["as_json"]))


@command.command("feedback")
@click.argument("memory_id")
@click.argument("feedback", type=click.Choice([one.value for one in Feedback]))
@user_option
@json_option
@project_option
@settings_options
def judge(memory_id: str, feedback: str, **given: object) -> None:
    """Say that a memory is useful, wrong or outdated, or never to be used.

    \b
    recollect memories feedback mem_0123456789abcdef wrong --user alice
    """
    from recollect.domain.ids import MemoryId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway, vault: Vault) -> list[Record]:
        found = await gateway.editor.hear(vault.id, MemoryId(memory_id), Feedback(feedback))
        return await records(gateway, vault.id, [found], datetime.now(UTC))

    _show(on_vault(given, work), as_json=bool(given["as_json"]))


@command.command("delete")
@click.argument("memory_id")
@user_option
@click.option("--with-sources", is_flag=True, help="Also delete the messages that it rests on.")
@project_option
@settings_options
def delete(memory_id: str, **given: object) -> None:
    """Forget a memory. The messages that it rests on stay, unless you say otherwise.

    \b
    recollect memories delete mem_0123456789abcdef --user alice --with-sources
    """
    from recollect.domain.ids import MemoryId  # noqa: PLC0415 - keeps `--help` instant

    async def work(gateway: Gateway, vault: Vault) -> list[Record]:
        gone = await gateway.editor.delete(vault.id, MemoryId(memory_id), with_sources=bool(given["with_sources"]))
        return [{"messages": gone}]

    (reply,) = on_vault(given, work)
    click.echo(f"Deleted {memory_id}, and {reply['messages']} messages.")


async def records(gateway: Gateway, vault: VaultId, memories: Sequence[Memory], at: datetime) -> list[Record]:
    """Memories as `/v1/memory/memories` gives them."""
    from recollect.wire.knowledge_objects import memory_object  # noqa: PLC0415 - keeps `--help` instant

    numbers = sorted({each.message for one in memories for each in one.evidence})
    told = {message.number: message for message in await gateway.store.messages.messages(vault, numbers)}
    return [memory_object(one, told, at) for one in memories]


def _changes(given: dict[str, object]) -> StatementChanges:
    changes: StatementChanges = {}
    if given["subject"]:
        changes["subject"] = str(given["subject"])
    if given["attribute"]:
        changes["attribute"] = Attribute(str(given["attribute"]))
    if given["category"] is not None:
        changes["category"] = str(given["category"])
    if given["since"]:
        changes["valid_from"] = _moment(given["since"], "--since")
    if given["until"]:
        changes["valid_to"] = _moment(given["until"], "--until")
    return changes


def _moment(given: object, option: str) -> datetime | None:
    from recollect.wire.controls import parse_time  # noqa: PLC0415 - keeps `--help` instant

    return None if given is None else parse_time(given, option)


def _text(given: object) -> str | None:
    return None if given is None else str(given)


def _show(found: list[Record], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    rows = [
        (
            str(one["id"]),
            str(one["status"]),
            str(one["valid_from"] or "-")[:10],
            str(one["valid_to"] or "-")[:10],
            "yes" if one["is_pinned"] else "-",
            str(one["text"]),
        )
        for one in found
    ]
    click.echo(table(HEAD, rows) if rows else "Nothing found.")
