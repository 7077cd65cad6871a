"""Several server processes under one supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.gateway_process import GatewayProcess

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.testing.scripted_provider import ScriptedProvider


def test_workers_end_with_their_supervisor_however_that_ends(tmp_path: Path, provider: ScriptedProvider) -> None:
    quiet = {"RECOLLECT_EMBEDDER_KIND": "none"}
    gateway = GatewayProcess(tmp_path / "data", provider.base_url, flags=("--workers", "2"), environment=quiet)
    gateway.start()
    try:
        gateway.kill()
        gateway.wait_until_gone()
        gateway.start()
    finally:
        gateway.terminate()
