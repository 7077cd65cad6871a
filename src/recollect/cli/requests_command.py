"""`recollect requests`: what was asked of which model, and what it took."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from recollect.cli.options import json_option, load, on_gateway, project_option, settings_options, table, without_model

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.domain.requests import RequestRecord

MILLI = 1000
FAILED = (400, 599)


class Wanted(TypedDict):
    """Which requests."""

    user: str | None
    model: str | None
    failed: bool
    since: datetime | None
    limit: int


@click.command("requests")
@click.argument("request_id", required=False)
@click.option("--user", help="Only this user's.")
@click.option("--model", help="Only those to this model, as the provider spells it.")
@click.option("--failed", is_flag=True, help="Only those with a status of 400 or more.")
@click.option("--since", type=click.DateTime(), help="Only those that began then or later (UTC).")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, newest first.")
@json_option
@project_option
@settings_options
def command(
    request_id: str | None,
    project: str,
    config: Path | None,
    data_dir: Path | None,
    *,
    as_json: bool,
    **wanted: Unpack[Wanted],
) -> None:
    """List recent requests, or show one of them.

    \b
    recollect requests
    recollect requests --user alice --failed
    recollect requests req_1f0c2a
    """
    from recollect.domain.ids import ProjectId, TraceId  # noqa: PLC0415 - keeps `--help` instant
    from recollect.domain.requests import RequestFilter  # noqa: PLC0415 - as above
    from recollect.wire.request_objects import request_object  # noqa: PLC0415 - as above

    since = wanted["since"]
    filter_ = RequestFilter(
        limit=wanted["limit"],
        user=wanted["user"],
        model=wanted["model"],
        statuses=FAILED if wanted["failed"] else None,
        since=None if since is None else since.replace(tzinfo=UTC),
    )

    async def work(gateway: Gateway) -> list[RequestRecord]:
        requests = gateway.store.requests
        if request_id is None:
            return await requests.list_requests(ProjectId(project), filter_)
        record = await requests.find_request(ProjectId(project), TraceId(request_id))
        return [] if record is None else [record]

    found = on_gateway(without_model(load(config, data_dir=data_dir)), work)
    if request_id is not None and not found:
        message = f"There is no request {request_id} in the log of the project {project}."
        raise click.ClickException(message)
    if as_json or request_id is not None:
        objects = [request_object(one) for one in found]
        click.echo(json.dumps(objects if request_id is None else objects[0], indent=1))
    elif not found:
        click.echo(f"There are no such requests in the project {project}.")
    else:
        head = ("at", "id", "status", "model", "user", "s", "memory", "tokens", "usd")
        click.echo(table(head, [_row(one) for one in found]))


def _row(record: RequestRecord) -> tuple[str, ...]:
    cost = record.cost
    return (
        record.started_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00"),
        record.id,
        f"{record.status or '-'}{f' {record.error}' if record.error else ''}",
        record.model or record.path,
        record.user or "-",
        f"{record.took_ms / MILLI:.2f}",
        f"{record.memory} {len(record.memories)}" if record.memories else record.memory,
        f"{cost.usage.input_tokens}+{cost.usage.output_tokens}" if cost else "-",
        f"{cost.usd:.6f}" if cost and cost.usd is not None else "-",
    )
