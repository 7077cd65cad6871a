"""`recollect doctor`: is everything in place, and if not, what is to be done?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from recollect.cli.checks import Finding, data_folder, database_file, examine, port
from recollect.cli.options import json_option, load, on_gateway, settings_options
from recollect.errors import RecollectError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.settings import Settings


@click.command("doctor")
@json_option
@settings_options
def command(config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Check settings, data folder, port, database, queue, spool, model, keys and providers, and say what to do.

    The exit code is 1 where something must be done. May be run beside a gateway. Providers that have a key are asked
    for their models.

    \b
    recollect doctor
    recollect doctor --json
    """
    findings = _examine(config, data_dir)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(str(finding) for finding in findings))
    if not all(finding.is_fine for finding in findings):
        raise SystemExit(1)


def _examine(config: Path | None, data_dir: Path | None) -> list[Finding]:
    try:
        settings = load(config, data_dir=data_dir)
    except SettingsError as error:
        return [Finding("settings", is_fine=False, detail=str(error))]
    findings = [_settings(), data_folder(settings), port(settings)]
    if settings.store.kind == "sqlite":
        findings.append(database_file(settings.database_path))
    if all(finding.is_fine for finding in findings if finding.name in {"data folder", "database"}):
        findings += _examine_parts(settings)
    return findings


def _settings() -> Finding:
    from recollect.settings import unknown_environment  # noqa: PLC0415 - keeps `--help` instant

    unknown = unknown_environment()
    advice = f"Ignored, because nothing is called so: {', '.join(unknown)}." if unknown else ""
    return Finding("settings", is_fine=not unknown, detail="read", advice=advice)


def _examine_parts(settings: Settings) -> list[Finding]:
    async def work(gateway: Gateway) -> list[Finding]:
        return [finding async for finding in examine(gateway)]

    try:
        return on_gateway(settings, work)
    except RecollectError as error:
        return [Finding("gateway", is_fine=False, detail=str(error))]
