from __future__ import annotations

import json
import stat
import tomllib

import pytest
from click.testing import CliRunner

from recollect.cli.main import main
from recollect.settings import load_settings


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


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (
            '[routes]\nfast = ["openai/gpt-4o", "opnai/gpt-4o"]',
            "recollect.toml, line 2: routes.fast: The model 'opnai/gpt-4o'",
        ),
        (
            '[routes]\nfast = [{ model = "openai/gpt-4o", key = "b" }]',
            "routes.fast: openai/gpt-4o has no key named 'b'",
        ),
    ],
)
def test_what_a_gateway_would_not_start_with_is_wrong_too(run, tmp_path, lines, named):
    (tmp_path / "recollect.toml").write_text(lines)
    result = run("check")
    assert result.exit_code == 1
    assert named in result.stdout


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
    assert "retries.fallback_statuses = [401, 402, 403, 404]" in lines
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


LITELLM = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
      api_version: "2025-01-01-preview"
      rpm: 600
    model_info:
      base_model: azure/gpt-4o
  - model_name: gpt-4o
    litellm_params:
      model: gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      rpm: 200
  - model_name: claude
    litellm_params:
      model: anthropic/claude-sonnet-4-5
      api_key: os.environ/CLAUDE_KEY
      max_tokens: 4096
  - model_name: local
    litellm_params:
      model: ollama_chat/llama3.1
      api_base: http://gpu.internal.example:11434/v1
  - model_name: bedrock
    litellm_params:
      model: bedrock/anthropic.claude-3-sonnet
router_settings:
  routing_strategy: simple-shuffle
  num_retries: 2
  model_group_alias: {gpt-4: gpt-4o}
  fallbacks:
    - gpt-4o: [claude]
litellm_settings:
  drop_params: True
  success_callback: [langfuse]
general_settings:
  master_key: sk-1234
"""


def test_a_litellm_configuration_becomes_settings_that_load(run, tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(LITELLM)
    result = run("import-litellm", "config.yaml", "-o", "mine.toml")
    assert result.exit_code == 0
    assert result.stdout == ""
    told = [line for line in result.stderr.splitlines() if line.startswith("Not taken over: ")]
    assert [line.split(": ")[1].split(".")[0] for line in told] == [
        "model_list[2]",
        "model_list[4]",
        "litellm_settings",
        "general_settings",
    ]
    assert stat.S_IMODE((tmp_path / "mine.toml").stat().st_mode) == 0o600
    assert all(f"# {line}" in (tmp_path / "mine.toml").read_text() for line in told)
    assert "AZURE_API_BASE" in run("check", "mine.toml").stdout
    for name, value in (
        ("AZURE_API_BASE", "https://eu.openai.azure.com"),
        ("CLAUDE_KEY", "sk-c"),
        ("AZURE_API_KEY", "k"),
    ):
        monkeypatch.setenv(name, value)
    assert run("check", "mine.toml").exit_code == 0
    settings = load_settings(config=tmp_path / "mine.toml")
    assert settings.providers["azure"].base_url == "https://eu.openai.azure.com"
    assert settings.providers["anthropic"].api_key == "sk-c"
    assert settings.providers["ollama"].base_url == "http://gpu.internal.example:11434/v1"
    assert settings.retries.tries == 3
    assert settings.routes == {
        "gpt-4o": {
            "models": [{"model": "azure/gpt-4o-eu", "weight": 600}, {"model": "openai/gpt-4o", "weight": 200}],
            "strategy": "weighted",
            "fallbacks": ["claude"],
        },
        "claude": "anthropic/claude-sonnet-4-5",
        "local": "ollama/llama3.1",
        "gpt-4": "gpt-4o",
    }


def test_an_import_is_printed_and_writes_over_nothing(run, tmp_path):
    (tmp_path / "config.yaml").write_text(LITELLM)
    assert tomllib.loads(run("import-litellm", "config.yaml").stdout)["routes"]["gpt-4"] == "gpt-4o"
    (tmp_path / "mine.toml").write_text("port = 1\n")
    result = run("import-litellm", "config.yaml", "-o", "mine.toml")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (tmp_path / "mine.toml").read_text() == "port = 1\n"
    assert run("import-litellm", "config.yaml", "-o", "mine.toml", "--force").exit_code == 0
    assert "routes" in (tmp_path / "mine.toml").read_text()
    assert run("import-litellm", "config.yaml", "-o", "no/such/folder.toml").exit_code == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("port: 1", "model_list: must be a list"), ("a: [", "config.yaml, line 1, column 5"), ("", "model_list")],
)
def test_what_is_no_litellm_configuration(run, tmp_path, text, expected):
    (tmp_path / "config.yaml").write_text(text)
    result = run("import-litellm", "config.yaml")
    assert result.exit_code == 2
    assert expected in result.stderr
