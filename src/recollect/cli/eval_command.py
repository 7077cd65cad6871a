"""`recollect eval`."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recollect.cli.options import json_option, load, on_gateway, project_option, settings_options, table, vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recollect.bootstrap import Gateway
    from recollect.recall.self_evaluation import SelfEvaluation
    from recollect.settings import Settings

LARGEST = 5
SHOWN_PROBES = 5
_PAGE = 500


@click.group("eval")
def command() -> None:
    """Measure recall."""


@command.command("self")
@click.option("--user", "users", multiple=True, help="Whose memory; may be repeated. Else the five largest.")
@click.option("--probes", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Questions to a user.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed asks about other messages.")
@click.option(
    "--calibrate", is_flag=True, help="Keep what the embedder's cosines are worth, for the gateway's next start."
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw it, too (.png or .svg); needs recollect[eval].",
)
@json_option
@project_option
@settings_options
def self_command(*, config: Path | None, data_dir: Path | None, as_json: bool, **asked: object) -> None:
    """Ask a vault about itself: does recall find what is there, and stay silent on what is not?

    Probes are made of rare words, names and days of the vault's own messages; others have nothing to do with anybody.
    Works beside a running gateway, changes no memory, asks no language model.

    \b
    recollect eval self
    recollect eval self --user alice --probes 300 --picture recall.png
    """
    settings = load(config, data_dir=data_dir)
    picture = asked["picture"]
    draw = None if picture is None else _picture_drawer()
    evaluation, users, model = on_gateway(settings, lambda gateway: _evaluate(gateway, asked))
    kept = asked["calibrate"] and _keep_calibration(settings, evaluation, model)
    if draw is not None:
        draw(evaluation, Path(str(picture)))
    click.echo(_json(evaluation, users, model) if as_json else _text(evaluation, users, model))
    if kept and not as_json:
        click.echo(f"\nThe scale of {model} is kept in {settings.calibration_path}: restart the gateway to use it.")


async def _evaluate(gateway: Gateway, asked: dict[str, object]) -> tuple[SelfEvaluation, list[str], str]:
    from recollect.bootstrap import now  # noqa: PLC0415 - keeps `--help` instant
    from recollect.recall.self_evaluation import evaluate_vault, together  # noqa: PLC0415 - as above

    project, named = str(asked["project"]), asked["users"]
    users = [str(user) for user in named] if isinstance(named, tuple) and named else await _largest(gateway, project)
    if asked["calibrate"]:
        gateway.engine.drop_calibration()
    found = [
        await evaluate_vault(
            gateway.engine,
            gateway.store.messages,
            await vault_of(gateway, project, user),
            now(),
            probes=int(str(asked["probes"])),
            seed=int(str(asked["seed"])),
        )
        for user in users
    ]
    return together(found), users, gateway.embedder.model if gateway.embedder else "none"


async def _largest(gateway: Gateway, project: str) -> list[str]:
    """The users with the most messages."""
    from recollect.domain.ids import ProjectId  # noqa: PLC0415 - keeps `--help` instant

    sizes: dict[str, int] = {}
    after: str | None = None
    while page := await gateway.store.vaults.list_vaults(ProjectId(project), limit=_PAGE, after=after):
        sizes.update((one.vault.user, one.messages) for one in page)
        after = page[-1].vault.user
    if not sizes:
        message = f"There is nobody in the project {project} yet: talk through the gateway, or `recollect import`."
        raise click.ClickException(message)
    return sorted(sizes, key=lambda user: -sizes[user])[:LARGEST]


def _keep_calibration(settings: Settings, evaluation: SelfEvaluation, model: str) -> bool:
    """Whether it was kept: a calibrated model needs none. A one-line error where the vaults gave too little."""
    from recollect.recall.calibration import is_calibrated  # noqa: PLC0415 - keeps `--help` instant
    from recollect.recall.self_evaluation import calibrate  # noqa: PLC0415 - as above

    if is_calibrated(model):
        click.echo(f"{model} is calibrated already.", err=True)
        return False
    calibration = calibrate(model, evaluation)
    if calibration is None:
        message = "There is nothing to calibrate: no embedder, or a vault that gave too few cosines."
        raise click.ClickException(message)
    calibration.write(settings.calibration_path)
    return True


def _picture_drawer() -> Callable[[SelfEvaluation, Path], None]:
    """Looked for before the work, so that nobody waits for an error."""
    if find_spec("matplotlib") is None:
        message = "--picture needs matplotlib: pip install 'recollect[eval]'"
        raise click.ClickException(message)
    from recollect.cli.eval_picture import draw  # noqa: PLC0415 - keeps `--help` instant

    return draw


def _text(evaluation: SelfEvaluation, users: Sequence[str], model: str) -> str:
    rows = [
        (kind, str(count), *(f"{100 * evaluation.found_at(rank, kind):.0f} %" for rank in (1, 5, 10)))
        for kind, count in evaluation.kinds.items()
    ]
    rows.append(("all", str(len(evaluation.own)), *(f"{100 * evaluation.found_at(rank):.0f} %" for rank in (1, 5, 10))))
    false = evaluation.falsely_injected
    lines = [
        f"users: {', '.join(users)}; embedder: {model}",
        "",
        table(("probes", "asked", "first", "in 5", "in 10"), rows),
        "",
        f"found, but held back by the gate   {100 * evaluation.lost_at_gate:.1f} %",
        f"unrelated questions that inject    {100 * evaluation.false_injections:.1f} % of {len(evaluation.unrelated)}",
        f"recall, ms p50 / p95               {evaluation.took_ms(0.5):.1f} / {evaluation.took_ms(0.95):.1f}",
    ]
    lines += [f"  injected for: {text}" for text in dict.fromkeys(false[:SHOWN_PROBES])]
    return "\n".join(lines)


def _json(evaluation: SelfEvaluation, users: Sequence[str], model: str) -> str:
    found: dict[str, object] = {
        "object": "self_evaluation",
        "users": list(users),
        "embedder": model,
        "probes": len(evaluation.own),
        "kinds": evaluation.kinds,
        "found_at": {rank: round(evaluation.found_at(rank), 4) for rank in (1, 5, 10)},
        "lost_at_gate": round(evaluation.lost_at_gate, 4),
        "unrelated": len(evaluation.unrelated),
        "false_injections": round(evaluation.false_injections, 4),
        "falsely_injected": list(evaluation.falsely_injected),
        "p50_ms": round(evaluation.took_ms(0.5), 2),
        "p95_ms": round(evaluation.took_ms(0.95), 2),
    }
    return json.dumps(found, indent=1, ensure_ascii=False)
