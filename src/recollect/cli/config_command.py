"""`recollect config`: look at the settings before a gateway does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from recollect.settings import LoadedSettings

_file = click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The same as FILE; recollect.toml in this folder where both are left out.",
)


@click.group("config")
def command() -> None:
    """Check and show the settings, and take those of other gateways over."""


@command.command("check")
@_file
@_config
def check(file: Path | None, config: Path | None) -> None:
    """Read the settings as the gateway would, and say everything that is wrong with them: file, line and name.

    The environment is read, too. The exit code is 1 where something is wrong.

    \b
    recollect config check
    recollect config check /etc/recollect/recollect.toml
    """
    from recollect.settings import warnings_about  # noqa: PLC0415 - keeps `--help` instant

    try:
        loaded = _checked(file or config)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem)
        count = len(error.problems)
        click.echo(f"{count} {'thing is' if count == 1 else 'things are'} wrong.", err=True)
        raise SystemExit(1) from error
    for warning in warnings_about(loaded.settings):
        click.echo(f"Note: {warning}", err=True)
    found = loaded.sources.file
    click.echo(f"{found.path}: fine." if found else "There is no settings file here; the environment is fine.")


def _checked(config: Path | None) -> LoadedSettings:
    from recollect.settings import load_with_sources  # noqa: PLC0415 - keeps `--help` instant
    from recollect.upstreams import check_upstreams  # noqa: PLC0415 - as above

    loaded = load_with_sources(config=config)
    try:
        check_upstreams(loaded.settings)
    except SettingsError as error:
        raise SettingsError(*map(loaded.sources.placed, error.problems)) from error
    return loaded


@command.command("show")
@_file
@_config
@click.option("--changed", is_flag=True, help="Only what is not as it is by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(file: Path | None, config: Path | None, *, changed: bool, as_json: bool) -> None:
    """Print the settings in force as TOML, each with where it was given. Secrets are hidden.

    \b
    recollect config show
    recollect config show --changed
    """
    from recollect.settings import effective_settings, load_with_sources  # noqa: PLC0415 - keeps `--help` instant

    settings = effective_settings(load_with_sources(config=file or config))
    chosen = [one for one in settings if one.origin is not None or not changed]
    if as_json:
        shown = {one.name: {"value": one.value, "from": one.origin} for one in chosen}
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(str(one) for one in chosen) or "# Nothing is set: everything is as it is by default.")


@command.command("import-litellm")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it; standard output where it is left out.",
)
@click.option("--force", is_flag=True, help="Write over a file that exists.")
def import_litellm(file: Path, output: Path | None, *, force: bool) -> None:
    """Make settings of the model list in a LiteLLM proxy's config.yaml, and say what could not be taken over.

    Models become providers and routes; fallbacks, aliases, retries and time-outs come along. Keys that were in the
    environment stay there.

    \b
    recollect config import-litellm config.yaml
    recollect config import-litellm config.yaml -o recollect.toml
    """
    from recollect.providers.litellm_config import import_litellm as imported  # noqa: PLC0415 - keeps `--help` instant
    from recollect.providers.registry import load_registry  # noqa: PLC0415 - as above
    from recollect.settings import as_toml, parse_file  # noqa: PLC0415 - as above

    made = imported(parse_file(file), load_registry())
    notes = [f"Not taken over: {line}" for line in made.left_out]
    text = "".join(f"# {line}\n" for line in (f"Made from LiteLLM's {file.name}.", *notes))
    text += "\n" + as_toml(made.tables())
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text, force=force)
    for note in notes:
        click.echo(note, err=True)
    if output is not None:
        click.echo(f"{output} is written. Check it: recollect config check {output}", err=True)


def _write(output: Path, text: str, *, force: bool) -> None:
    """A file that only its owner reads: it may hold keys."""
    try:
        if force:
            output.unlink(missing_ok=True)
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        message = f"{output} exists. Name another file with --output, or write over it with --force."
        raise SettingsError(message) from error
    except OSError as error:
        message = f"{output} cannot be written ({error.strerror or error})."
        raise SettingsError(message) from error
