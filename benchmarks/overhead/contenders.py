"""What is compared: how each is started in front of the provider, and how it wants to be asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.overhead.conversations import conversations
from benchmarks.overhead.processes import relax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SCRIPTS = Path(sysconfig.get_path("scripts"))
USER = "bench"
PLAIN_MODEL = "gpt-4o-mini"
ROUTED_MODEL = "openai/gpt-4o-mini"
NGINX_CONFIGURATION = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 100000000;
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; client_body_buffer_size 256k;
    }}
  }}
}}
"""
LITELLM_CONFIGURATION = """\
model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:{provider}/v1", api_key: sk-bench}}
litellm_settings: {{num_retries: 0, telemetry: false}}
general_settings: {{master_key: sk-local-bench}}
"""
LITELLM_ENVIRONMENT = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the tables. ``command`` is empty for the provider itself, which is running already."""

    port: int
    command: Sequence[str] = ()
    model: str = PLAIN_MODEL
    headers: Mapping[str, str] = field(default_factory=lambda: {"authorization": "Bearer sk-bench"})
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/"
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything happens: a scratch folder, one for filled vaults, the provider's port, and free ports."""

    folder: Path
    vaults: Path
    provider: int
    ports: Iterator[int]

    def direct(self) -> Contender:
        """The provider, asked without anything between."""
        return Contender(self.provider)

    def nginx(self, program: str) -> Contender:
        """A proxy in C that looks at nothing."""
        port, configuration = next(self.ports), self.folder / "nginx.conf"
        configuration.write_text(
            NGINX_CONFIGURATION.format(folder=self.folder, provider=self.provider, port=port), "utf-8"
        )
        command = (program, "-p", str(self.folder), "-c", str(configuration))
        return Contender(port, command, ready_path="/ready")

    def floor(self) -> Contender:
        """See floor.py."""
        port = next(self.ports)
        command = (sys.executable, "-m", "uvicorn", "benchmarks.overhead.floor:app", "--port", str(port))
        options = ("--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools")
        environment = {"FLOOR_UPSTREAM": f"http://127.0.0.1:{self.provider}/v1"}
        return Contender(port, (*command, *options), environment=environment)

    def litellm(self, program: str) -> Contender:
        """LiteLLM's proxy, one process, without a database."""
        port, configuration = next(self.ports), self.folder / "litellm.yaml"
        configuration.write_text(LITELLM_CONFIGURATION.format(provider=self.provider), "utf-8")
        command = (program, "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port))
        headers = {"authorization": "Bearer sk-local-bench"}
        return Contender(
            port, command, headers=headers, environment=LITELLM_ENVIRONMENT, ready_path="/health/liveliness"
        )

    def recollect(self, mode: str, *, messages: int) -> Contender:
        """Recollect in a memory mode, with a vault of so many messages."""
        port = next(self.ports)
        data = self.folder / f"data-{port}"
        if messages:
            shutil.copytree(self._filled(messages), data)
        key = self._key(data)
        command = (str(SCRIPTS / "recollect"), "serve", "--port", str(port), "--data", str(data), "--mode", mode)
        provider = ("--provider", f"openai=http://127.0.0.1:{self.provider}/v1")
        headers = {"authorization": f"Bearer {key}", "x-memory-user": USER}
        return Contender(
            port,
            (*command, *provider),
            model=ROUTED_MODEL,
            headers=headers,
            environment={"OPENAI_API_KEY": "sk-bench"},
            ready_path="/readyz",
            messages=messages,
        )

    def _key(self, data: Path) -> str:
        made = self._command("keys", "create", "--name", "bench", "--json", "--data", str(data))
        return str(json.loads(made)["key"])

    def _filled(self, messages: int) -> Path:
        """A folder with such a vault, its vectors computed and its sessions read, so that no background work is left;
        filled once."""
        data, lines = self.vaults / f"vault-{messages}", self.folder / f"{messages}.jsonl"
        if not data.exists():
            lines.write_text("\n".join(conversations(USER, messages)), "utf-8")
            self._command("import", str(lines), "--wait", "--data", str(data))
            self._command("reprocess", "--wait", "--data", str(data))
        return data

    def _command(self, *arguments: str) -> str:
        command = (str(SCRIPTS / "recollect"), *arguments)
        done = subprocess.run(
            command,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=relax,
        )
        return done.stdout
