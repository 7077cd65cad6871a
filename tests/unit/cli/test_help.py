from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import recollect
from recollect.cli.main import COMMANDS, main


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        inner = command.commands if isinstance(command, click.Group) else {}
        found += [(name, sub) for sub in inner] if inner else [(name,)]
    return found


def test_help_lists_every_command():
    output = CliRunner().invoke(main, ["--help"]).output
    for name, what in COMMANDS.items():
        assert name in output
        assert what in output


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_a_command_explains_itself_with_an_example(path):
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    assert f"recollect {' '.join(path)}" in result.output.split("Usage:")[1].split("\n", 1)[1]
    command: click.Command = main
    for name in path:
        command = command.get_command(click.Context(command), name)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{' '.join(path)} {option.opts[0]} has no help"


def test_help_brings_in_neither_the_gateway_nor_the_model():
    program = (
        "import sys; from recollect.cli.main import main; main(['--help'], standalone_mode=False);"
        "print([name for name in ('recollect.bootstrap', 'onnxruntime', 'numpy', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_package_is_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "recollect", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert recollect.__version__ in done.stdout


def test_an_unknown_command_is_a_usage_error():
    result = CliRunner().invoke(main, ["remember"])
    assert result.exit_code == 2
    assert "No such command 'remember'" in result.stderr


def test_a_wrong_setting_is_one_line_and_exit_code_2(shell):
    shell.config.write_text("port = true\n")
    result = shell("users", "list")
    assert result.exit_code == 2
    assert result.stderr == f"Error: {shell.config}, line 1: `port` must be a number, not true or false.\n"


def test_a_folder_that_cannot_be_used_is_one_line_and_exit_code_2(shell, tmp_path):
    (tmp_path / "file").write_text("")
    result = shell("users", "list", "--data", str(tmp_path / "file" / "below"))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "--data" in result.stderr
