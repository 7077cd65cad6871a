"""Every example runs as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from tests.e2e import node_sdk
from tests.e2e.answers import ANSWER
from tests.e2e.gateway_process import UPSTREAM_KEY, GatewayProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.testing.scripted_provider import ScriptedProvider

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("*.py"))
NEED_A_PROVIDER = {"forward_style.py", "prepare_and_ingest.py"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[dict[str, str]]:
    """A gateway without keys, as on the first day, and where it is."""
    running = GatewayProcess(tmp_path_factory.mktemp("examples") / "data", provider.base_url).start()
    yield {
        **{name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")},
        "RECOLLECT_BASE_URL": running.base_url,
        "PROVIDER_URL": provider.base_url,
        "PROVIDER_KEY": "sk",
    }
    running.kill()


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def remembers(output: str, provider: ScriptedProvider) -> bool:
    """The built-in model quoted what was said, or the provider received it."""
    said = output.lower() + provider.last.body.decode().lower() if provider.requests else output.lower()
    return "hiking" in said or "peanuts" in said or "allergic to cheese" in said


@pytest.mark.parametrize("name", PROGRAMS)
def test_python(environment: dict[str, str], provider: ScriptedProvider, name: str, tmp_path: Path) -> None:
    provider.requests.clear()
    output = run([sys.executable, str(EXAMPLES / name)], environment, tmp_path)
    assert remembers(output, provider)
    assert (ANSWER in output) is (name in NEED_A_PROVIDER)


def test_a_placeholder_for_a_key_gives_way_to_the_key_that_is_configured(
    environment: dict[str, str], provider: ScriptedProvider
) -> None:
    hello: Any = [{"role": "user", "content": "Hello!"}]
    with OpenAI(base_url=environment["RECOLLECT_BASE_URL"], api_key="unused", max_retries=0) as client:
        client.chat.completions.create(model="openai/m", messages=hello)
        assert provider.last.header("authorization") == f"Bearer {UPSTREAM_KEY}"
        client.chat.completions.create(model="openai/m", messages=hello, extra_headers={"X-Provider-Key": "sk-mine"})
        assert provider.last.header("authorization") == "Bearer sk-mine"


def test_node(environment: dict[str, str], provider: ScriptedProvider) -> None:
    folder = node_sdk.install()
    shutil.copy(EXAMPLES / "quickstart.mjs", folder)
    assert "love hiking" in node_sdk.run_script(folder, "quickstart.mjs", environment)


def test_curl(environment: dict[str, str], tmp_path: Path) -> None:
    script = str(EXAMPLES / "quickstart.sh")
    run(["sh", "-n", script], environment, tmp_path)
    if shutil.which("curl"):
        assert "love hiking" in run(["sh", script], environment, tmp_path)


def test_each_example_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    assert [path.name for path in EXAMPLES.iterdir() if path.name != "README.md" and path.name not in listed] == []
