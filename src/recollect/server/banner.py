"""What the operator reads when the gateway has started: where it is, and what to do next."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from recollect.server.trust import is_loopback_host
from recollect.settings import environment_value, unknown_environment

if TYPE_CHECKING:
    from recollect.settings import Settings

OLLAMA = ("127.0.0.1", 11434)
PROBE_S = 0.2


def answers(address: tuple[str, int]) -> bool:
    """Something listens there."""
    try:
        with socket.create_connection(address, timeout=PROBE_S):
            return True
    except OSError:
        return False


def base_url(settings: Settings, port: int) -> str:
    """How clients on this machine spell the gateway's address."""
    host = settings.host
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - named here, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def banner(settings: Settings, port: int) -> str:
    """The text."""
    url = base_url(settings, port)
    lines = [
        f"Recollect listens on {url}",
        "",
        f'  client = OpenAI(base_url="{url}", api_key="unused")',
        "",
        *_models(settings),
    ]
    if not is_loopback_host(settings.host):
        lines.append("Until a key exists (`recollect keys create`), callers from other machines are refused.")
    lines += [f"Not a setting, and so ignored: {name}" for name in unknown_environment()]
    return "\n".join(lines) + "\n"


def _models(settings: Settings) -> list[str]:
    """Which model to ask for: the best that can be had without asking the operator."""
    if environment_value("OPENAI_API_KEY"):
        return ['OPENAI_API_KEY is set: use model="openai/gpt-5.5", or any other of that provider.']
    configured = sorted(name for name, one in settings.providers.items() if one.base_url or one.api_key)
    if configured:
        return [f'Configured: use model="{name}/…".' for name in configured]
    if answers(OLLAMA):
        return ['Ollama answers on its port: use model="ollama/<a model that you have pulled>".']
    return [
        'No provider key is set: use model="recollect/recall", which answers from memory alone and is no LLM.',
        "For a real model set OPENAI_API_KEY (or another provider's), or start Ollama.",
    ]
