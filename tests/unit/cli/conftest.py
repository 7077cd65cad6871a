from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recollect.cli.main import main


@dataclass(frozen=True)
class Shell:
    """Runs commands over one data folder, without a model."""

    config: Path

    def __call__(self, *arguments: str, typed: str | bytes | None = None) -> Result:
        command, rest = arguments[: self._depth(arguments)], arguments[self._depth(arguments) :]
        return CliRunner().invoke(
            main, [*command, "--config", str(self.config), *rest], input=typed, catch_exceptions=False
        )

    def json(self, *arguments: str):
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def export(self, *arguments: str) -> list[dict]:
        result = self("export", *arguments)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    @staticmethod
    def _depth(arguments: tuple[str, ...]) -> int:
        return 2 if arguments[0] in {"providers", "keys", "users", "eval", "memories", "conflicts"} else 1


@pytest.fixture
def make_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Shell]:
    for name in ("OPENAI_API_KEY", "RECOLLECT_BASE_URL", "RECOLLECT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def make(name: str) -> Shell:
        config = tmp_path / f"{name}.toml"
        config.write_text(f'data_dir = "{name}"\nport = 0\n[embedder]\nkind = "none"\n')
        return Shell(config)

    return make


@pytest.fixture
def shell(make_shell: Callable[[str], Shell]) -> Shell:
    return make_shell("data")


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[..., str]:
    """Write a JSONL file of objects, or of lines as they are."""

    def write(*lines: dict | str, name: str = "in.jsonl") -> str:
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        path = tmp_path / name
        path.write_text("".join(f"{text}\n" for text in texts))
        return str(path)

    return write
