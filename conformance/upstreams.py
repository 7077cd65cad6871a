"""What stands behind the gateway while a suite runs, and the gateway itself."""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.suites import NODE, NODE_BIN
from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import ScriptedProvider
from tests.e2e.gateway_process import GatewayProcess, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.suites import Tools

READY_S = 120
BRACKETS = [
    f"--validator-{place}-{kind}-format=brackets" for place in ("query", "form") for kind in ("array", "object")
]
TOLD = [
    {"role": "user", "content": "My cousin Zoë lives in Göttingen."},
    {"role": "assistant", "content": "How nice for you both."},
]


@contextmanager
def scripted(kind: type[ScriptedProvider] = ScriptedProvider) -> Iterator[tuple[str, ScriptedProvider]]:
    """The scripted provider of this project, or one made of it."""
    with kind.in_thread() as provider:
        yield provider.base_url, provider


@contextmanager
def specification(tools: Tools, checkout: str) -> Iterator[str]:
    """OpenAI's specification, as the check-out holds it, served by ``steady``: it rejects what is no valid request."""
    tools.install_node()
    port = free_port()
    document = tools.checkouts[checkout] / "api_reference" / "openapi.transformed.yml"
    words = [NODE_BIN / "steady", "--host", "127.0.0.1", "-p", str(port), *BRACKETS, document]
    with subprocess.Popen(list(map(str, words)), cwd=NODE, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/_x-steady/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def gateway(upstream: str, mode: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """``recollect serve`` before it; with memory on, something is there to be recalled."""
    with tempfile.TemporaryDirectory() as folder:
        running = GatewayProcess(Path(folder) / "data", upstream, flags=("--mode", mode), environment=environment or {})
        running.start()
        try:
            if mode != "off":
                told = {"user": "default", "messages": TOLD, "wait": True}
                httpx.post(f"{running.base_url}/memory/ingest", json=told, timeout=60).raise_for_status()
            yield running.base_url
        finally:
            running.kill()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    message = f"{url} does not answer"
    raise RuntimeError(message)
