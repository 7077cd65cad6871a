from __future__ import annotations

import json
import tomllib

import pytest
from click.testing import CliRunner

from recollect.cli.main import main


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return lambda *arguments: CliRunner().invoke(main, ["config", *arguments], catch_exceptions=False)


def test_a_file_that_is_fine(run, tmp_path):
    (tmp_path / "recollect.toml").write_text("port = 9000\n")
    (tmp_path / "other.yaml").write_text("port: 9000\n")
    assert run("check").stdout == "recollect.toml: fine.\n"
    for arguments in (("other.yaml",), ("--config", "other.yaml")):
        result = run("check", *arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "other.yaml: fine.\n", "")


def test_nothing_to_check_but_the_environment(run, monkeypatch):
    assert run("check").exit_code == 0
    monkeypatch.setenv("RECOLLECT_PORT", "tcp://10.0.0.1:8000")
    result = run("check")
    assert result.exit_code == 1
    assert result.stdout == "RECOLLECT_PORT: `port` must be a whole number.\n"


def test_all_that_is_wrong_a_line_each(run, tmp_path):
    (tmp_path / "recollect.toml").write_text('port = 0.5\n\n[limits]\ndrain_s = -1\n[providers.x]\napi_key = "${K}"\n')
    result = run("check")
    assert result.exit_code == 1
    assert [line.split(" ")[3] for line in result.stdout.splitlines()] == [
        "`port`",
        "`limits.drain_s`",
        "`providers.x.api_key`",
    ]
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "recollect.toml, line 1",
        "recollect.toml, line 4",
        "recollect.toml, line 6",
    ]
    assert result.stderr == "3 things are wrong.\n"


def test_a_file_that_is_not_there(run):
    result = run("check", "none.toml")
    assert result.exit_code == 1
    assert "none.toml: there is no such settings file" in result.stdout


def test_what_is_probably_not_meant(run, monkeypatch):
    monkeypatch.setenv("RECOLLECT_PROT", "1")
    monkeypatch.setenv("RECOLLECT_DEFAULT_PROVIDER", "opnai")
    result = run("check")
    assert result.exit_code == 0
    assert "Note: RECOLLECT_PROT: nothing reads this variable; did you mean RECOLLECT_PORT?" in result.stderr
    assert "Note: default_provider: there is no provider 'opnai'" in result.stderr


def test_the_settings_in_force_say_where_they_are_from_and_hide_secrets(run, tmp_path, monkeypatch):
    monkeypatch.setenv("RECOLLECT_HOST", "0.0.0.0")
    (tmp_path / "recollect.toml").write_text(
        'port = 9000\n[providers.openai]\napi_key = "sk-secret"\n[providers."my.own"]\nbase_url = "http://x/v1"\n'
    )
    result = run("show")
    lines = result.stdout.splitlines()
    assert "port = 9000  # recollect.toml, line 1" in lines
    assert 'host = "0.0.0.0"  # RECOLLECT_HOST' in lines
    assert "workers = 1" in lines
    assert 'providers.openai.api_key = "(hidden)"  # recollect.toml, line 3' in lines
    assert "sk-secret" not in result.output
    assert tomllib.loads(result.stdout)["providers"]["my.own"] == {"base_url": "http://x/v1"}
    assert len(run("show", "--changed").stdout.splitlines()) == 4
    shown = json.loads(run("show", "--json").stdout)
    assert shown["port"] == {"value": 9000, "from": "recollect.toml, line 1"}
    assert shown["workers"] == {"value": 1, "from": None}


def test_nothing_is_changed(run):
    assert run("show", "--changed").stdout.startswith("#")


def test_wrong_settings_cannot_be_shown(run, tmp_path):
    (tmp_path / "recollect.toml").write_text("port = 'x'\nhots = 'y'\n")
    result = run("show")
    assert result.exit_code == 2
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["Error", "Error"]
