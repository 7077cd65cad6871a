"""Tests of other projects that come with recordings of providers: the recordings are played behind the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.replay import TAPES
from conformance.suites import CACHE, HERE, command
from conformance.verdicts import read_junit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conformance.suites import Tools
    from conformance.verdicts import Verdicts

RECORDED: dict[str, Callable[[Tools, str, str], Verdicts]] = {}
"""Suites that are given where requests go, and where the recordings are played."""
VCR = ("pytest>=9.0.3", "pytest-recording", "vcrpy>=8.2,<9", "pytest-mock")
LANGCHAIN = (
    "freezegun",
    "syrupy>=5,<6",
    "pytest-asyncio",
    "pytest-cov",
    "pytest-retry",
    "pytest-socket",
    "pytest-xdist",
    "numpy",
    "pillow",
    "langchain",
    "langchain-tests",
)
PYDANTIC_AI = (
    "anyio",
    "asgi-lifespan",
    "blockbuster>=1.5.26,<1.6",
    "brotli",
    "devtools",
    "dirty-equals",
    "genai-prices",
    "httpx",
    "inline-snapshot",
    "logfire",
    "pyyaml",
)
PYDANTIC_AI_EXTRAS = ("openai", "openrouter", "anthropic", "google", "logfire")
"""Anthropic's and Google's are imported by tests of OpenAI's models."""
PYDANTIC_AI_TESTS = (
    "test_openai.py",
    "test_openai_responses.py",
    "test_openai_prompt_cache.py",
    "test_openai_tool_availability_delta.py",
    "test_deepseek.py",
    "test_deepseek_responses.py",
    "test_ollama.py",
    "test_openrouter.py",
    "openrouter",
)
NO_PROXY = {"HTTP_PROXY": "", "HTTPS_PROXY": "", "ALL_PROXY": "", "http_proxy": "", "https_proxy": "", "all_proxy": ""}
"""Tests that believe to speak to a provider's host must not ask a proxy for it."""


def langchain(tools: Tools, prefix: str, player: str) -> Verdicts:
    """The tests of langchain-openai that have recordings; the check-out is its source distribution, unpacked."""
    checkout = tools.checkouts["langchain-openai"]
    python = _environment(tools, "langchain-openai", checkout, *LANGCHAIN)
    return _run(
        python,
        ["tests/integration_tests", "-m", "vcr", "--no-cov", "--record-mode=none", "--ignore-glob=*azure*"],
        checkout,
        prefix,
        player,
    )


def pydantic_ai(tools: Tools, prefix: str, player: str) -> Verdicts:
    """The tests of Pydantic AI's models of OpenAI and of those that speak like it, of a check-out."""
    checkout = tools.checkouts["pydantic-ai"]
    packages = [f"{checkout}/pydantic_ai_slim[{','.join(PYDANTIC_AI_EXTRAS)}]"]
    packages += [f"{checkout}/pydantic_graph", f"{checkout}/pydantic_evals"]
    editable = [word for package in packages for word in ("-e", package)]
    python = _environment(tools, "pydantic-ai", *_locked(tools, checkout), *editable, *PYDANTIC_AI)
    tests = [f"tests/models/{name}" for name in PYDANTIC_AI_TESTS]
    return _run(python, [*tests, "-W", "ignore"], checkout, prefix, player)


RECORDED |= {"langchain-openai": langchain, "pydantic-ai": pydantic_ai}


def _locked(tools: Tools, checkout: Path) -> tuple[str | Path, ...]:
    """The versions of a check-out's own lock file, as constraints: recordings go with them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    constraints = CACHE / f"{checkout.name}.txt"
    words = [
        "export",
        "--frozen",
        "--no-hashes",
        "--no-emit-workspace",
        "--package",
        "pydantic-ai-slim",
        "--group",
        "dev",
    ]
    extras = [word for extra in PYDANTIC_AI_EXTRAS for word in ("--extra", extra)]
    exported = command([tools.uv, *words, *extras], checkout)
    constraints.write_text("".join(line for line in exported.splitlines(keepends=True) if "git+" not in line))
    return "--constraint", constraints


def _environment(tools: Tools, name: str, *packages: str | Path) -> Path:
    venv = CACHE / name
    python = venv / "bin" / "python"
    if not python.exists():
        command([tools.uv, "venv", "--quiet", "--python", "3.11", venv], HERE)
        command([tools.uv, "pip", "install", "--quiet", "--no-sources", "--python", python, *packages, *VCR], HERE)
    return python


def _run(python: Path, words: Sequence[str], checkout: Path, prefix: str, player: str) -> Verdicts:
    report = CACHE / f"{python.parent.parent.name}.xml"
    report.unlink(missing_ok=True)
    command(
        [python, "-m", "pytest", "-q", "-p", "replay_plugin", "-p", "no:xdist", f"--junitxml={report}", *words],
        checkout,
        may_fail=True,
        PYTHONPATH=str(HERE / "recordings"),
        REPLAY_PREFIX=prefix,
        REPLAY_TAPES=f"{player}{TAPES}",
        OPENAI_API_KEY="none",
        **NO_PROXY,
    )
    return read_junit(report)
