"""Coding agents of npm with a task that needs a tool: Codex over HTTP and over a WebSocket, opencode.

The provider asks for one command, and answers once it has seen what the command printed. With memory on, the block
stands in the question, is the same in the next step, and is in nothing that the agent asks for itself.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.suites import NODE_BIN, command
from recollect.testing.scripted_provider import Script, ScriptedProvider, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.suites import Tools
    from conformance.verdicts import Verdicts
    from recollect.testing.scripted_provider import Received

TASK = "What did I tell you about my cousin Zoë? Then write an animal into out.txt."
SHELL = "echo zebra > out.txt; cat out.txt"
DONE = "The animal is written."
TIMEOUT_S = 180.0
_CALLS = {
    "exec_command": {"cmd": SHELL},
    "shell": {"command": ["bash", "-lc", SHELL]},
    "bash": {"command": SHELL, "description": "Writes an animal"},
}
"""By the name of the tool that an agent offers."""
_block = re.compile(r"<memory-([0-9a-f]+)>.*?</memory-\1>")


class Tasking(ScriptedProvider):
    """Asks for the command where a tool for it is offered and nothing has been printed yet."""

    def next_script(self) -> Script:
        """By what the newest request holds."""
        body = _body(self.last)
        offered = next((name for name in _tool_names(body) if name in _CALLS), None)
        if offered and not _results(body):
            return Script(tool_calls=(ToolCall(offered, json.dumps(_CALLS[offered])),))
        return Script(text=DONE)


def agents_verdicts(tools: Tools, base_url: str, provider: ScriptedProvider, mode: str) -> Verdicts:
    """By agent: it did its task, and memory stood where it should."""
    tools.install_node()
    programs: dict[str, Callable[[str, Path], str]] = {
        "Codex over HTTP": lambda url, folder: codex(url, folder, has_socket=False),
        "Codex over WebSocket": lambda url, folder: codex(url, folder, has_socket=True),
        "opencode": opencode,
    }
    found: Verdicts = {}
    for name, run in programs.items():
        provider.requests.clear()
        with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            printed = run(base_url, Path(folder))
            written = Path(folder) / "work" / "out.txt"
            complaint = _complaint(printed, written, provider.requests, has_memory=mode == "full")
        if complaint:
            print(f"{name}: {complaint}\n{printed[-800:]}")
        found[name] = "failed" if complaint else "passed"
    return found


def codex(base_url: str, folder: Path, *, has_socket: bool) -> str:
    """Codex CLI, without a person at it."""
    home, work = _folders(folder)
    settings = [
        'model = "gpt-5.4"',
        'model_provider = "gateway"',
        "[model_providers.gateway]",
        'name = "gateway"',
        f'base_url = "{base_url}"',
        'env_key = "OPENAI_API_KEY"',
        'wire_api = "responses"',
        f"supports_websockets = {str(has_socket).lower()}",
    ]
    (home / "config.toml").write_text("\n".join(settings))
    words = [NODE_BIN / "codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK]
    return _printed(words, work, CODEX_HOME=str(home))


def opencode(base_url: str, folder: Path) -> str:
    """opencode, one message."""
    home, work = _folders(folder)
    options = {"baseURL": base_url, "apiKey": "none"}
    model = {"name": "scripted", "tool_call": True}
    settings = {
        "provider": {
            "gateway": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "gateway",
                "options": options,
                "models": {"gpt-4o-mini": model},
            }
        },
        "model": "gateway/gpt-4o-mini",
        "small_model": "gateway/gpt-4o-mini",
        "permission": {"bash": "allow"},
        "share": "disabled",
        "autoupdate": False,
    }
    (work / "opencode.json").write_text(json.dumps(settings))
    places = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    variables = {place: str(home / place.lower()) for place in places}
    variables |= {"HOME": str(home), "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    return _printed([NODE_BIN / "opencode", "run", TASK], work, **variables)


def _folders(folder: Path) -> tuple[Path, Path]:
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    return home, work


def _printed(words: Sequence[str | Path], work: Path, **variables: str) -> str:
    both = ["sh", "-c", 'exec "$@" 2>&1', "sh", *words]
    return command(both, work, may_fail=True, timeout_s=TIMEOUT_S, OPENAI_API_KEY="none", **variables)


def _complaint(printed: str, written: Path, requests: Sequence[Received], *, has_memory: bool) -> str:
    """What went wrong, "" for nothing."""
    bodies = [_body(request) for request in requests]
    steps = [body for body in bodies if set(_tool_names(body)) & set(_CALLS) and "cousin Zo" in json.dumps(body)]
    blocks = [[match[0] for match in _block.finditer(json.dumps(body))] for body in steps]
    if DONE not in printed:
        return "the answer was not printed"
    if not written.is_file() or written.read_text().strip() != "zebra":
        return "the command did not run"
    if not any("zebra" in json.dumps(_results(body)) for body in bodies):
        return "the provider did not see what the command printed"
    if has_memory and not (blocks and blocks[0] and all(found == blocks[0] for found in blocks)):
        return f"the memory block is not the same in each step: {blocks}"
    if any(_block.search(json.dumps(body)) for body in bodies if body not in steps):
        return "memory in what the agent asked for itself"
    return ""


def _body(received: Received) -> dict[str, Any]:
    try:
        body = received.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _tool_names(body: dict[str, Any]) -> list[str]:
    return [tool.get("name") or tool.get("function", {}).get("name") or "" for tool in body.get("tools") or ()]


def _results(body: dict[str, Any]) -> list[object]:
    """What commands printed, in either dialect. Memory may quote it, too: that is another place."""
    items = [*_items(body.get("input")), *_items(body.get("messages"))]
    return [item for item in items if item.get("type") == "function_call_output" or item.get("role") == "tool"]


def _items(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
