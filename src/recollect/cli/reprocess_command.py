"""`recollect reprocess`: derive anew what extractors found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recollect.cli.options import load, on_gateway, project_option, settings_options, user_names, vault_of

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway


@click.command("reprocess")
@click.option("--user", help="Whose sessions; everybody's where it is left out.")
@click.option("--session", help="Only this session of the user.")
@click.option("--extractor", help="Only what this one found: rules or llm.")
@click.option("--wait", is_flag=True, help="Read them now, instead of when a gateway next runs.")
@project_option
@settings_options
def command(config: Path | None, data_dir: Path | None, *, wait: bool, **given: str | None) -> None:
    """Have sessions read anew, all of them. What was found before stays until it is replaced, and so do edits.

    \b
    recollect reprocess --user alice --wait
    recollect reprocess --extractor llm
    """
    from recollect.domain.ids import ProjectId, SessionName, SessionNumber  # noqa: PLC0415 - keeps `--help` instant

    user, session, extractor, project = (given[name] for name in ("user", "session", "extractor", "project"))
    if session and not user:
        message = "--session needs --user: sessions are somebody's."
        raise click.UsageError(message)

    async def number(gateway: Gateway, name: str) -> SessionNumber | None:
        if session is None:
            return None
        found = await gateway.store.sessions.find_session(
            await vault_of(gateway, str(project), name), SessionName(session)
        )
        if found is None:
            message = f"{name!r} has no session {session!r}. `recollect users show {name}` shows the newest."
            raise click.ClickException(message)
        return found.number

    async def work(gateway: Gateway) -> int:
        names = gateway.extraction.names(ProjectId(str(project)))
        chosen = next((name for name in names if extractor in {name, name.partition(":")[0]}), None)
        if extractor is not None and chosen is None:
            message = f"--extractor must be one of {', '.join(names)}."
            raise click.UsageError(message)
        requested = 0
        for name in [user] if user else await user_names(gateway, str(project)):
            vault = await vault_of(gateway, str(project), name)
            requested += await gateway.store.knowledge.request(
                vault, await number(gateway, name), anew=True, extractor=chosen
            )
        if wait:
            await gateway.extraction.run_until_idle()
        return requested

    sessions = on_gateway(load(config, data_dir=data_dir), work)
    what = "read anew" if wait else "to be read anew, by a gateway that runs"
    click.echo(f"{sessions} sessions {what}.")
