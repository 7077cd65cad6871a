"""What stands in code blocks is true, also where it is not run: commands exist, settings load, JSON is JSON."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import click
import pytest

from recollect.cli.main import main
from recollect.settings import load_settings
from tests.docs.pages import DOCS, ROOT, Block, blocks, links, name_of, pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCKS = [block for page in pages() for block in blocks(page)]
LANGUAGES = {"bash", "console", "js", "json", "nginx", "python", "toml", "yaml"}
_command = re.compile(r"^(?:\$ )?(?:\S+=\S+ )?(?:\.venv/bin/)?recollect (.+?)(?:\s+#.*)?$", re.MULTILINE)


def in_language(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def command_lines() -> list[tuple[str, str]]:
    """Every call of our command line, and where it stands."""
    return [
        (str(block), part.strip().removeprefix("recollect ").partition(" > ")[0])
        for block in (*in_language("console"), *in_language("bash"))
        for line in _command.findall(block.code)
        for part in f"recollect {line}".split(" | ")
        if part.strip().startswith("recollect ")
    ]


def parse(words: list[str]) -> str:
    """Parse as the command line does, without running anything: the command's name. UsageError where it is wrong."""
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), rest.pop(0)) if rest else None
        if inner is None:
            message = f"no such command: {' '.join(words)}"
            raise click.UsageError(message)
        command = inner
    with command.make_context(command.name, rest):
        return str(command.name)


def test_every_block_is_in_a_language_that_is_checked() -> None:
    assert {block.language for block in BLOCKS} <= LANGUAGES


@pytest.mark.parametrize(("place", "line"), command_lines())
def test_commands_exist_with_their_options(
    place: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("chats.jsonl", "everything.jsonl", "notes.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "elsewhere").mkdir()
    assert parse(shlex.split(line)) in line


def test_there_are_commands_to_check() -> None:
    assert len(command_lines()) > 10


def test_a_wrong_option_is_noticed() -> None:
    with pytest.raises(click.UsageError):
        parse(["keys", "create", "--nmae", "x"])
    with pytest.raises(click.UsageError):
        parse(["kyes", "create"])


@pytest.mark.parametrize("block", in_language("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.code)


@pytest.mark.parametrize("block", in_language("toml"), ids=str)
def test_settings_load(block: Block, tmp_path: Path) -> None:
    assert tomllib.loads(block.code)
    file = tmp_path / "recollect.toml"
    secret = tmp_path / "secret"
    secret.write_text("secret")
    file.write_text(re.sub(r"\$\{file:[^}]+\}", f"${{file:{secret}}}", block.code), "utf-8")
    names = re.findall(r"\$\{(\w+)\}", block.code)
    environ = {"HOME": str(tmp_path), **dict.fromkeys(names, "secret")}
    settings = load_settings(config=file, environ=environ)
    assert settings.port > 0


def unlisted() -> Iterator[str]:
    """Pages that the index does not lead to."""
    index = DOCS / "README.md"
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(index)}
    yield from (name_of(page) for page in sorted(DOCS.rglob("*.md")) if page != index and page not in listed)


def test_every_page_is_in_the_index() -> None:
    assert list(unlisted()) == []
    assert "docs/README.md" in links(ROOT / "README.md")
