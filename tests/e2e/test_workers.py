"""Several server processes under one supervisor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recollect.client.http_flavour import httpx
from tests.e2e.gateway_process import GatewayProcess

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.testing.scripted_provider import ScriptedProvider

GONE_WITHIN_S = 30.0


def test_workers_end_with_their_supervisor_however_that_ends(tmp_path: Path, provider: ScriptedProvider) -> None:
    quiet = {"RECOLLECT_EMBEDDER_KIND": "none"}
    gateway = GatewayProcess(tmp_path / "data", provider.base_url, flags=("--workers", "2"), environment=quiet)
    gateway.start()
    try:
        gateway.kill()
        deadline = time.monotonic() + GONE_WITHIN_S
        while answers(gateway.url):
            assert time.monotonic() < deadline, "a worker still holds the port"
            time.sleep(0.05)
        gateway.start()
        assert answers(gateway.url)
    finally:
        gateway.terminate()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
