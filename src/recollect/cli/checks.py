"""The checks of `recollect doctor`: each says what it found, and what to do where that is not as it should be."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recollect.errors import EmbedderUnavailableError, RecollectError
from recollect.providers.base import UpstreamRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from recollect.bootstrap import Gateway
    from recollect.settings import Settings

PROBE_S = 5.0
GIB = 1024**3
LEAST_FREE_BYTES = GIB // 4
STUCK_AFTER = timedelta(minutes=10)
HTTP_OK, HTTP_UNAUTHORISED, HTTP_FORBIDDEN = 200, 401, 403


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its outcome, and what to do where it failed or could be better."""

    name: str
    is_fine: bool
    detail: str
    advice: str = ""

    def __str__(self) -> str:
        """A line for people, and a second one with the advice."""
        mark = "✓" if self.is_fine else "✗"
        return f"{mark} {self.name}: {self.detail}" + (f"\n    {self.advice}" if self.advice else "")


def data_folder(settings: Settings) -> Finding:
    """The folder exists or can be made, can be written to, and has room."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        advice = "Give the gateway's user write access, or choose another folder with --data (setting `data_dir`)."
        return Finding("data folder", is_fine=False, detail=f"{folder}: {error.strerror or error}", advice=advice)
    has_room = free > LEAST_FREE_BYTES
    return Finding(
        "data folder",
        is_fine=has_room,
        detail=f"{folder}, {free / GIB:.1f} GiB free",
        advice="" if has_room else "Free some room: a full disk stops memories from being stored.",
    )


def port(settings: Settings) -> Finding:
    """The port is free, or this gateway's own: another program there keeps it from starting."""
    host = settings.host if settings.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - named, not bound
    where = f"{settings.host} port {settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if _is_gateway(host, settings.port):
                return Finding("port", is_fine=True, detail=f"a gateway runs at {where}")
            advice = "Choose another with --port (setting `port`) or --host, or end the program that has it."
            return Finding("port", is_fine=False, detail=f"{where}: {error.strerror or error}", advice=advice)
    return Finding("port", is_fine=True, detail=f"{where} is free")


def _is_gateway(host: str, port_number: int) -> bool:
    """What listens there answers as Recollect does."""
    connection = http.client.HTTPConnection(host, port_number, timeout=1.0)
    try:
        connection.request("GET", "/readyz")
        answer = json.loads(connection.getresponse().read(65536))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and "embedder" in answer


def database_file(path: Path) -> Finding:
    """An SQLite file is whole: every page is where it should be. Reads all of it."""
    if not path.exists():
        return Finding("database", is_fine=True, detail=f"{path} is made when the gateway first starts")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PROBE_S)
        try:
            problems = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
        finally:
            connection.close()
    except sqlite3.Error as error:
        problems = [str(error)]
    size = path.stat().st_size / 2**20
    if problems == ["ok"]:
        return Finding("database", is_fine=True, detail=f"{path}, {size:.1f} MiB, whole")
    advice = "Restore a backup, or save what `sqlite3 FILE .recover` still reads."
    return Finding("database", is_fine=False, detail=f"{path}: {'; '.join(problems)}", advice=advice)


async def examine(gateway: Gateway) -> AsyncIterator[Finding]:
    """The checks that need the gateway's parts."""
    yield await _writable(gateway)
    yield await _background_work(gateway)
    yield _spool(gateway)
    yield await _model(gateway)
    yield await _keys(gateway)
    async for finding in _providers(gateway):
        yield finding


async def _writable(gateway: Gateway) -> Finding:
    try:
        await gateway.store.control.check()
    except RecollectError as error:
        return Finding("writing", is_fine=False, detail=str(error))
    return Finding("writing", is_fine=True, detail="a message would be stored now")


async def _background_work(gateway: Gateway) -> Finding:
    backlog = await gateway.store.jobs.backlog()
    oldest = backlog.oldest_waiting_at
    is_stuck = oldest is not None and datetime.now(UTC) - oldest > STUCK_AFTER
    advice = "`recollect serve` works them off, and so does `recollect import --wait`." if is_stuck else ""
    if backlog.dead:
        advice = "Look at GET /v1/memory/jobs for the reasons, then POST /v1/memory/jobs/replay."
    detail = f"{backlog.waiting} jobs wait, {backlog.leased} run, {backlog.dead} failed for good"
    if is_stuck and oldest is not None:
        detail += f"; the oldest has waited since {oldest:%Y-%m-%d %H:%M} UTC"
    return Finding("background work", is_fine=backlog.dead == 0, detail=detail, advice=advice)


def _spool(gateway: Gateway) -> Finding:
    waiting = gateway.spool.pending()
    rejected = sorted(gateway.settings.spool_dir.glob("*.rejected"))
    if rejected:
        advice = (
            f"They are tried again when the gateway starts. Should that not help, look into {rejected[0]}; "
            "remove the file once nothing in it is needed."
        )
        return Finding("spool", is_fine=False, detail=f"{len(rejected)} files cannot be stored", advice=advice)
    advice = "A running gateway stores them by itself." if waiting else ""
    return Finding("spool", is_fine=True, detail=f"{waiting} captures wait for the database", advice=advice)


async def _model(gateway: Gateway) -> Finding:
    embedder = gateway.embedder
    if embedder is None:
        is_wanted = gateway.settings.embedder.kind != "none"
        advice = "`make setup` installs the built-in model; `embedder.path` names a folder that has it."
        return Finding(
            "embedding model",
            is_fine=not is_wanted,
            detail=f"recall is lexical only: {gateway.embedder_problem}",
            advice=advice if is_wanted else "",
        )
    try:
        embedding = await embedder.embed_query("What is remembered?")
    except EmbedderUnavailableError as error:
        advice = "Check `embedder.base_url`, `embedder.model` and its key."
        return Finding("embedding model", is_fine=False, detail=f"{embedder.model}: {error}", advice=advice)
    return Finding(
        "embedding model", is_fine=True, detail=f"{embedder.model} embeds in {len(embedding.dense)} dimensions"
    )


async def _keys(gateway: Gateway) -> Finding:
    from recollect.server.trust import is_loopback_host  # noqa: PLC0415 - brings the server in

    keys = await gateway.store.keys.list_keys()
    live = [key for key in keys if key.revoked_at is None]
    make = "`recollect keys create` makes one."
    if live:
        return Finding("memory keys", is_fine=True, detail=f"{len(live)} in use")
    if keys:
        return Finding("memory keys", is_fine=False, detail="all are revoked: nobody can call", advice=make)
    if is_loopback_host(gateway.settings.host):
        return Finding("memory keys", is_fine=True, detail="none: the gateway serves this machine only")
    detail = "none: callers from other machines are refused"
    return Finding("memory keys", is_fine=False, detail=detail, advice=make)


async def _providers(gateway: Gateway) -> AsyncIterator[Finding]:
    """Every provider that has a key: does it list its models?"""
    routes = gateway.provider_probes()
    if not routes:
        yield Finding(
            "providers",
            is_fine=True,
            detail="no key is set: the model `recollect/recall` answers from memory alone",
            advice="Set OPENAI_API_KEY or another provider's variable to talk to a real model.",
        )
    probes = (_provider(gateway, name, route.url, route.credentials) for name, route in routes.items())
    for finding in await asyncio.gather(*probes):
        yield finding


async def _provider(gateway: Gateway, name: str, url: str, credentials: tuple[tuple[bytes, bytes], ...]) -> Finding:
    title = f"provider {name}"
    try:
        async with asyncio.timeout(PROBE_S):
            reply = await gateway.upstream.send(UpstreamRequest("GET", url, credentials))
            await reply.close()
    except (RecollectError, TimeoutError) as error:
        detail = f"{url}: {error or 'no answer'}"
        return Finding(title, is_fine=False, detail=detail, advice="Check the base URL and the network.")
    if reply.status in {HTTP_UNAUTHORISED, HTTP_FORBIDDEN}:
        detail = f"{url} refused the key ({reply.status})"
        return Finding(title, is_fine=False, detail=detail, advice="Check the key, in the settings or the environment.")
    if reply.status != HTTP_OK:
        advice = "It answers, but does not list models; chat may work all the same."
        return Finding(title, is_fine=True, detail=f"{url} answered {reply.status}", advice=advice)
    return Finding(title, is_fine=True, detail=f"{url} answers, and takes the key")
