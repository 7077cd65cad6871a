"""`recollect doctor`: is everything in place, and if not, what is to be done?"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from recollect.cli.options import load, on_gateway, settings_options
from recollect.errors import RecollectError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.settings import Settings

PROBE_S = 5.0
GIB = 1024**3
LEAST_FREE_BYTES = GIB


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its outcome, and what to do where it failed."""

    name: str
    is_fine: bool
    detail: str
    advice: str = ""

    def __str__(self) -> str:
        """One line for people."""
        mark = "✓" if self.is_fine else "✗"
        return f"{mark} {self.name}: {self.detail}" + (f"\n    {self.advice}" if self.advice else "")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def command(config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Check settings, data folder, database, model, providers, port and keys, and say what to do.

    The exit code is 1 where something must be done.
    """
    settings = load(config, data_dir=data_dir)

    async def work(gateway: Gateway) -> list[Finding]:
        return [finding async for finding in examine(gateway)]

    findings = [data_folder(settings), port(settings)]
    try:
        findings += on_gateway(settings, work)
    except RecollectError as error:
        findings.append(
            Finding("database", is_fine=False, detail=str(error), advice="Check `store.path` and the disk.")
        )
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(str(finding) for finding in findings))
    if not all(finding.is_fine for finding in findings):
        raise SystemExit(1)


def data_folder(settings: Settings) -> Finding:
    """The folder exists or can be made, can be written to, and has room."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
        status = os.statvfs(folder)
    except OSError as error:
        advice = "Give the gateway's user write access, or choose another folder with --data."
        return Finding("data folder", is_fine=False, detail=f"{folder}: {error.strerror}", advice=advice)
    free = status.f_bavail * status.f_frsize
    return Finding(
        "data folder",
        is_fine=free > LEAST_FREE_BYTES,
        detail=f"{folder}, {free / GIB:.1f} GiB free",
        advice="" if free > LEAST_FREE_BYTES else "Free some room: captures are spooled when the disk is full.",
    )


def port(settings: Settings) -> Finding:
    """The port is free, or somebody answers on it."""
    where = f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.settimeout(1.0)
        try:
            taken = probe.connect_ex((settings.host, settings.port)) == 0
        except OSError as error:
            advice = "Choose an address of this machine with --host."
            return Finding("port", is_fine=False, detail=f"{where}: {error}", advice=advice)
    detail = f"{where} is taken: a gateway may be running" if taken else f"{where} is free"
    return Finding("port", is_fine=True, detail=detail)


async def examine(gateway: Gateway) -> AsyncIterator[Finding]:
    """The checks that need the gateway's parts."""
    backlog = await gateway.store.jobs.backlog()
    keys = [key for key in await gateway.store.keys.list_keys() if key.revoked_at is None]
    await gateway.store.control.check()
    yield Finding("database", is_fine=True, detail=str(gateway.settings.database_path))
    yield Finding(
        "background work",
        is_fine=backlog.dead == 0,
        detail=f"{backlog.waiting} jobs wait, {backlog.dead} failed for good",
        advice="" if backlog.dead == 0 else "Look at GET /v1/memory/jobs, then POST /v1/memory/jobs/replay.",
    )
    spooled = gateway.spool.pending()
    yield Finding("spool", is_fine=True, detail=f"{spooled} captures wait for the database")
    yield await _model(gateway)
    detail = f"{len(keys)} in use" if keys else "none: the gateway serves this machine only"
    yield Finding("memory keys", is_fine=True, detail=detail)
    async for finding in _providers(gateway):
        yield finding


async def _model(gateway: Gateway) -> Finding:
    if gateway.embedder is None:
        wanted = gateway.settings.embedder.kind != "none"
        return Finding(
            "embedding model",
            is_fine=not wanted,
            detail=f"recall is lexical only: {gateway.embedder_problem}",
            advice="`make setup` installs the built-in model." if wanted else "",
        )
    vector = (await gateway.embedder.embed_query("Does it work?")).dense
    return Finding("embedding model", is_fine=True, detail=f"{gateway.embedder.model}, {len(vector)} dimensions")


async def _providers(gateway: Gateway) -> AsyncIterator[Finding]:
    """Every provider that has a key: does it list its models?"""
    from recollect.providers.base import UpstreamRequest  # noqa: PLC0415 - keeps `--help` instant

    routes = gateway.provider_probes()
    if not routes:
        yield Finding(
            "providers",
            is_fine=True,
            detail="no key is set: model `recollect/recall` answers from memory alone",
            advice="Set OPENAI_API_KEY or another provider's variable to talk to a real model.",
        )
    for name, route in routes.items():
        request = UpstreamRequest("GET", route.url, route.credentials)
        try:
            reply = await asyncio.wait_for(gateway.upstream.send(request), PROBE_S)
        except (RecollectError, TimeoutError) as error:
            yield Finding(f"provider {name}", is_fine=False, detail=str(error) or "no answer", advice="Is it running?")
            continue
        await reply.close()
        is_fine = reply.status < 400  # noqa: PLR2004 - HTTP's border between success and error
        advice = "" if is_fine else "Check the key and the base URL."
        yield Finding(f"provider {name}", is_fine=is_fine, detail=f"answered {reply.status}", advice=advice)
