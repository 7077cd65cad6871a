"""`recollect search`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recollect.cli.options import administrator, load, on_gateway, project_option, settings_options

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.calls import SearchResult


@click.command("search")
@click.argument("query")
@click.option("--user", required=True, help="Whose memory to search.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="At most so many.")
@click.option("--strategy", type=click.Choice(["low_latency", "balanced"]), default="balanced", show_default=True)
@click.option("--explain", is_flag=True, help="Show every raw signal, and what the gate would say.")
@project_option
@settings_options
def command(
    query: str, user: str, project: str, *, explain: bool, config: Path | None, data_dir: Path | None, **limits: object
) -> None:
    """Search one user's memory, best first.

    \b
    recollect search --user alice "what are my hobbies?"
    """

    async def work(gateway: Gateway) -> SearchResult:
        from recollect.domain.calls import SearchCall  # noqa: PLC0415 - keeps `--help` instant
        from recollect.domain.recall import Strategy  # noqa: PLC0415 - as above

        call = SearchCall(
            user=user,
            query=query,
            limit=int(str(limits["limit"])),
            strategy=Strategy(str(limits["strategy"])),
            is_explained=explain,
        )
        return await gateway.calls.search(administrator(project), call)

    result = on_gateway(load(config, data_dir=data_dir), work).recall
    if not result.ranking:
        click.echo("Nothing found.")
    for hit in result.ranking:
        message = hit.message
        click.echo(f"{hit.score:.3f}  {message.occurred_at:%Y-%m-%d}  {message.name or message.role}: {hit.text}")
        if explain:
            click.echo("       " + "  ".join(f"{name}={value:.3f}" for name, value in hit.signals.items()))
    if explain:
        verdict = "would inject" if result.gate.is_open else "would stay silent"
        click.echo(f"gate: {verdict}: {result.gate.reason}")
