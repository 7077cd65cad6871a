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
    lines = [f"Recollect listens on {base_url(settings, port)}", "", *_next_step(settings, base_url(settings, port))]
    if not is_loopback_host(settings.host):
        lines.append("Until a key exists (`recollect keys create`), callers from other machines are refused.")
    lines += [f"Not a setting, and so ignored: {name}" for name in unknown_environment()]
    return "\n".join(lines) + "\n"


def _next_step(settings: Settings, url: str) -> list[str]:
    """How to point a client here, and which model to ask for: the best that can be had as things are.

    A client's own key goes to the provider, and before the gateway's: so none is made up where one is set.
    """
    if environment_value("OPENAI_API_KEY"):
        return [
            f'  client = OpenAI(base_url="{url}")',
            "",
            'OPENAI_API_KEY is set: use model="openai/gpt-5.5", or any other of that provider.',
        ]
    lines = [f'  client = OpenAI(base_url="{url}", api_key="none")', ""]
    configured = sorted(name for name, one in settings.providers.items() if one.base_url or one.api_key)
    if configured:
        return lines + [f'Configured: use model="{name}/…".' for name in configured]
    if answers(OLLAMA):
        return [*lines, 'Ollama answers on its port: use model="ollama/<a model that you have pulled>".']
    return [
        *lines,
        'No provider key is set: use model="recollect/recall", which answers from memory alone and is no LLM.',
        "For a real model set OPENAI_API_KEY (or another provider's), or start Ollama.",
    ]
