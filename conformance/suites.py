"""Other people's tests as commands: where they come from, and how each is pointed at a base URL."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.verdicts import read_jest, read_junit, read_llmprobe, read_open_responses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.verdicts import Verdicts

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "conformance"
NODE = CACHE / "node"
NODE_BIN = NODE / "node_modules" / ".bin"
TIMEOUT_S = 1800.0
EXPECTED = "Hello! How can I help?"
"""What the scripted provider answers by itself."""
PYTEST = (
    "pytest>=9.0.3",
    "pytest-asyncio",
    "pytest-xdist",
    "inline-snapshot",
    "rich",
    "azure-identity",
    "trio",
    "griffe",
    "dirty-equals",
)


@dataclass(frozen=True, slots=True)
class Tools:
    """``uv`` as found or given, and the check-outs that the user gave, by suite."""

    uv: str
    checkouts: dict[str, Path]

    def install_node(self) -> None:
        """The packages of ``clients/node/package.json``, into the cache."""
        NODE.mkdir(parents=True, exist_ok=True)
        for file in (HERE / "clients" / "node").iterdir():
            (NODE / file.name).write_bytes(file.read_bytes())
        if not (NODE_BIN / "codex").exists():
            command(["npm", "install", "--no-audit", "--no-fund"], NODE)


def command(
    words: Sequence[str | Path], folder: Path, *, may_fail: bool = False, timeout_s: float = TIMEOUT_S, **variables: str
) -> str:
    """Run, and give what it printed; RuntimeError with its end where it failed and may not."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", **variables}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode and not may_fail:
        message = f"{' '.join(map(str, words))}\n{(done.stdout + done.stderr)[-2000:]}"
        raise RuntimeError(message)
    return done.stdout


def clients(tools: Tools, base_url: str) -> Verdicts:
    """Each program of ``clients/``: it ends without an error, or it failed."""
    tools.install_node()
    variables = {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "none", "EXPECTED": EXPECTED, "DO_NOT_TRACK": "1"}
    variables |= {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "CREWAI_DISABLE_TELEMETRY": "true",
        "OTEL_SDK_DISABLED": "true",
    }
    found: Verdicts = {}
    for program in sorted((HERE / "clients").glob("*.py")):
        found[program.stem] = ends_well([tools.uv, "run", "--quiet", "--script", program], HERE, variables)
    for program in sorted(NODE.glob("*.mjs")):
        found[f"node {program.stem}"] = ends_well([NODE_BIN / "node", program], NODE, variables)
    return found


def ends_well(words: Sequence[str | Path], folder: Path, variables: dict[str, str]) -> str:
    """The verdict on a program that asserts; what it said is printed where it failed."""
    try:
        command(words, folder, **variables)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(error)
        return "failed"
    return "passed"


def llmprobe(tools: Tools, base_url: str) -> Verdicts:
    """Run llmprobe of npm, its conformance part."""
    tools.install_node()
    report = CACHE / "llmprobe.json"
    report.unlink(missing_ok=True)
    words = [NODE_BIN / "llmprobe", base_url, "-k", "none", "-m", "gpt-4o-mini", "--no-bench", "--no-save"]
    command([*words, "--save", report], NODE, may_fail=True, HOME=str(CACHE))
    return read_llmprobe(report)


def open_responses(tools: Tools, base_url: str) -> Verdicts:
    """Open Responses' compliance tests of a check-out, run by bun."""
    tools.install_node()
    checkout = tools.checkouts["open-responses"]
    bun = NODE_BIN / "bun"
    if not (checkout / "node_modules" / "zod").exists():
        command([bun, "install", "--ignore-scripts"], checkout)
    words = [bun, "bin/compliance-test.ts", "-u", base_url, "-k", "none", "-m", "gpt-4o-mini", "--json"]
    return read_open_responses(command(words, checkout, may_fail=True))


def openai_python(tools: Tools, base_url: str) -> Verdicts:
    """The API tests of a check-out of openai-python, in an environment of their own."""
    checkout, venv, report = tools.checkouts["openai-python"], CACHE / "openai-python", CACHE / "openai-python.xml"
    python = venv / "bin" / "python"
    if not python.exists():
        command([tools.uv, "venv", "--quiet", "--python", "3.11", venv], HERE)
        extras = f"{checkout}[aiohttp,realtime,datalib,bedrock]"
        command([tools.uv, "pip", "install", "--quiet", "--python", python, "-e", extras, "httpx2", *PYTEST], HERE)
    report.unlink(missing_ok=True)
    words = [python, "-m", "pytest", "tests/api_resources", "-q", "-n", "0", "-W", "ignore", f"--junitxml={report}"]
    command(words, checkout, may_fail=True, TEST_API_BASE_URL=base_url, DEFER_PYDANTIC_BUILD="false")
    return read_junit(report)


def openai_node(tools: Tools, base_url: str) -> Verdicts:
    """The API tests of a check-out of openai-node, after ``npm install`` there."""
    tools.install_node()
    checkout, report = tools.checkouts["openai-node"], CACHE / "openai-node.json"
    report.unlink(missing_ok=True)
    words = [NODE_BIN / "node", "node_modules/.bin/jest", "--runInBand", "--json", f"--outputFile={report}"]
    command(words, checkout, may_fail=True, TEST_API_BASE_URL=base_url, OPENAI_TEST_SUITE="generated")
    return read_jest(report)
