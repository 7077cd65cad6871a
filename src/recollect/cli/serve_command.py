"""`recollect serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recollect.cli.options import given, settings_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command("serve")
@click.option("--host", help="Address to listen on. Default: 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one. Default: 8000.")
@click.option("--workers", type=click.IntRange(1), help="Processes that share the port.")
@click.option(
    "--mode",
    type=click.Choice(["full", "read", "write", "off", "shadow"]),
    help="What memory does where neither key nor request says. Default: full.",
)
@click.option(
    "--provider", "providers", multiple=True, metavar="NAME=BASE_URL", help="Add or change a provider. Repeatable."
)
@click.option(
    "--allow-upstream",
    "allow_upstreams",
    multiple=True,
    metavar="HOST",
    help="Let forward style reach this host (or host:port), loopback included. Repeatable.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Default: info.")
@settings_options
def command(config: Path | None, providers: tuple[str, ...], **flags: object) -> None:
    """Start the gateway. On SIGHUP it reads its settings again, and goes on by them without cutting anybody off.

    \b
    recollect serve
    recollect serve --port 9000 --data /var/lib/recollect
    recollect serve --provider openai=http://127.0.0.1:11434/v1
    """
    from recollect.server.run import serve  # noqa: PLC0415 - keeps `--help` instant
    from recollect.settings.environment import providers_of  # noqa: PLC0415 - as above

    said = given(config, providers=providers_of(providers, "--provider"), **flags)
    serve(said.load(), said)
