"""A gateway as people run it: a process on loopback, which can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from recollect.client.http_flavour import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = Path(sysconfig.get_path("scripts")) / "recollect"
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
UPSTREAM_KEY = "sk-upstream-secret"
UPSTREAM_KEYS = {"OPENAI_API_KEY": UPSTREAM_KEY, "ANTHROPIC_API_KEY": UPSTREAM_KEY}
PATIENT = {"RECOLLECT_RECALL_DEADLINE_LOW_LATENCY_MS": "5000", "RECOLLECT_RECALL_DEADLINE_BALANCED_MS": "5000"}
"""What is recalled must not depend on how busy the machine is that runs the tests."""


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class GatewayProcess:
    """``recollect serve`` over one data directory. The port stays the same over restarts."""

    data_dir: Path
    provider_url: str
    flags: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What an SDK is given in router style."""
        return f"{self.url}/v1"

    @property
    def forward_url(self) -> str:
        """What an SDK is given in forward style."""
        return f"{self.url}/api/v1/forward/{self.provider_url}"

    @property
    def log(self) -> Path:
        """What it printed, over all its lives."""
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def start(self) -> Self:
        """Start it, and return once it answers."""
        host = self.provider_url.split("/")[2]
        command = [str(COMMAND), "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--data", str(self.data_dir), "--allow-upstream", host]
        command += ["--provider", f"openai={self.provider_url}"]
        command += ["--provider", f"anthropic={self.provider_url}"]
        inherited = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.flags],
                stdout=log,
                stderr=log,
                cwd=self.data_dir.parent,
                env={**inherited, **PATIENT, **UPSTREAM_KEYS, **self.environment},
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._is_ready():
                return self
            time.sleep(0.02)
        message = f"The gateway did not become ready:\n{self.log.read_text()[-4000:]}"
        raise RuntimeError(message)

    def kill(self) -> None:
        """``kill -9``."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM; the exit code once it has drained."""
        return self._signal(signal.SIGTERM)

    def restart(self) -> Self:
        """``kill -9`` and start again, once its workers have ended, too."""
        self.kill()
        self.wait_until_gone()
        return self.start()

    def wait_until_gone(self) -> None:
        """Return once nobody answers at its port any more."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._is_ready():
            assert time.monotonic() < deadline, "a worker still holds the port"
            time.sleep(0.02)

    def create_key(self, **fields: str) -> str:
        """Create a memory key over HTTP; the first one is an administrator's, made while there is none."""
        headers = {"X-Memory-Key": self.admin_key} if self.admin_key else {}
        reply = httpx.post(f"{self.base_url}/memory/keys", json=fields, headers=headers, timeout=20)
        assert reply.status_code in {200, 201}, reply.text
        return str(reply.json()["key"])

    admin_key: str = ""

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _signal(self, number: int) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S)
