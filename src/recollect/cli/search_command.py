"""`recollect search`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from recollect.cli.options import (
    administrator,
    json_option,
    load,
    on_gateway,
    project_option,
    settings_options,
    vault_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.recall import RecallResult

INDENT = " " * 7


@click.command("search")
@click.argument("query")
@click.option("--user", required=True, help="Whose memory to search.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="At most so many.")
@click.option(
    "--strategy",
    type=click.Choice(["low_latency", "balanced"]),
    default="balanced",
    show_default=True,
    help="How memories are ranked.",
)
@click.option("--as-of", help="What was known then, as 2026-03-15.")
@click.option("--explain", is_flag=True, help="Show every raw signal, and what the gate would say.")
@json_option
@project_option
@settings_options
def command(query: str, *, config: Path | None, data_dir: Path | None, as_json: bool, **asked: object) -> None:
    """Search one user's memory, best first: score, day, speaker and text.

    \b
    recollect search --user alice "what are my hobbies?"
    recollect search --user alice --limit 3 --explain "Lisbon"
    """
    from recollect.domain.calls import SearchCall  # noqa: PLC0415 - keeps `--help` instant
    from recollect.domain.recall import Strategy  # noqa: PLC0415 - as above
    from recollect.wire.controls import parse_time  # noqa: PLC0415 - as above

    user, project, is_explained = str(asked["user"]), str(asked["project"]), bool(asked["explain"])
    call = SearchCall(
        user=user,
        query=query,
        limit=int(str(asked["limit"])),
        strategy=Strategy(str(asked["strategy"])),
        as_of=None if asked["as_of"] is None else parse_time(asked["as_of"], "--as-of"),
        is_explained=is_explained,
    )

    async def work(gateway: Gateway) -> RecallResult:
        await vault_of(gateway, project, user)
        return (await gateway.calls.search(administrator(project), call)).recall

    result = on_gateway(load(config, data_dir=data_dir), work)
    click.echo(_json(result, is_explained=is_explained) if as_json else _text(result, is_explained=is_explained))


def _json(result: RecallResult, *, is_explained: bool) -> str:
    from recollect.wire.memory_objects import hit_object  # noqa: PLC0415 - keeps `--help` instant

    found: dict[str, object] = {
        "object": "list",
        "data": [hit_object(hit, is_explained=is_explained) for hit in result.ranking],
        "took_ms": round(result.took_ms, 3),
    }
    if is_explained:
        found["gate"] = {
            "is_open": result.gate.is_open,
            "reason": result.gate.reason,
            "signals": dict(result.gate.signals),
        }
    return json.dumps(found, indent=1, ensure_ascii=False, default=str)


def _text(result: RecallResult, *, is_explained: bool) -> str:
    lines = [] if result.ranking else ["Nothing found."]
    for hit in result.ranking:
        message = hit.message
        said = hit.text.replace("\n", f"\n{INDENT}")
        lines.append(f"{hit.score:.3f}  {message.occurred_at:%Y-%m-%d}  {message.name or message.role}: {said}")
        if is_explained:
            lines.append(INDENT + "  ".join(f"{name}={value:.3f}" for name, value in hit.signals.items()))
    if is_explained:
        verdict = "would inject" if result.gate.is_open else "would stay silent"
        lines.append(f"gate: {verdict}: {result.gate.reason}")
    return "\n".join(lines)
