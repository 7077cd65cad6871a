"""A gateway that is served, and what is done beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recollect.cli.main import main

TIMEOUT_S = 60
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.endswith("_API_KEY") and not name.startswith("RECOLLECT_")
}


class Gateway:
    """`recollect serve` on a free port, over one folder."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        (folder / "recollect.toml").write_text('data_dir = "data"\n[embedder]\nkind = "none"\n')
        self.process = subprocess.Popen(
            [sys.executable, "-m", "recollect", "serve", "--port", "0", *flags],
            cwd=folder,
            env=CLEAN,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = self.process.stderr.readline()
        found = re.fullmatch(r"Recollect listens on (http://127\.0\.0\.1:(\d+)/v1)\n", first)
        assert found, first + self.process.stderr.read()
        self.url, self.port = found[1], found[2]

    def run(self, *arguments: str, typed: str = "", **environment: str) -> Result:
        """A command in this process, as it would run in the gateway's folder."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            unset = dict.fromkeys(("OPENAI_API_KEY", "RECOLLECT_BASE_URL", "RECOLLECT_API_KEY"))
            runner = CliRunner(env={**unset, **environment})
            return runner.invoke(main, arguments, input=typed, catch_exceptions=False)
        finally:
            os.chdir(before)

    def chat(self, typed: str, *flags: str, **environment: str) -> Result:
        return self.run("chat", "--base-url", self.url, *flags, typed=typed, **environment)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        _, left = self.process.communicate(timeout=TIMEOUT_S)
        assert self.process.returncode in {0, -signal.SIGTERM}, left
        assert "Traceback" not in left


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    running = Gateway(tmp_path_factory.mktemp("served"))
    yield running
    running.stop()


def test_chat_remembers_over_sessions(gateway):
    first = gateway.chat("My name is Alice and I love hiking in the Alps\n", "--user", "alice")
    assert first.exit_code == 0, first.stderr
    second = gateway.chat("Who loves hiking in the Alps?\n/memories\n/new\n/memories zeppelins\n", "--user", "alice")
    assert second.exit_code == 0, second.stderr
    answer, _, memories = second.stdout.partition("\n  20")
    assert "I love hiking in the Alps" in answer
    assert "My name is Alice" in memories
    assert "A new session." in memories


def test_quit_ends_before_the_rest_of_the_input(gateway):
    done = gateway.chat("/quit\nThis is never said\n", "--user", "quitter")
    assert (done.exit_code, done.stdout) == (0, "")


def test_memories_before_anything_was_asked(gateway):
    assert "/memories WORDS" in gateway.chat("/memories\n", "--user", "quitter").stdout


def test_an_error_of_the_gateway_is_one_readable_line(gateway):
    done = gateway.chat("hello\n", "--model", "nobody/nothing")
    assert done.exit_code == 1
    assert re.fullmatch(r"Error: 4\d\d [a-z_]+: [^\n{]+\n", done.stderr), done.stderr


def test_a_gateway_that_is_not_there_is_said(gateway):
    done = gateway.run("chat", "--base-url", "http://127.0.0.1:9/v1", typed="hello\n")
    assert done.exit_code == 1
    assert "no gateway answers at http://127.0.0.1:9/v1" in done.stderr
    assert "recollect serve" in done.stderr


def test_chat_finds_the_gateway_in_the_environment(gateway):
    done = gateway.run("chat", typed="hello\n", RECOLLECT_BASE_URL=gateway.url)
    assert done.exit_code == 0, done.stderr


def test_commands_work_beside_a_running_gateway(gateway):
    line = json.dumps({"user": "bob", "session_id": "s", "role": "user", "content": "I keep bees in Graz"})
    assert gateway.run("import", "-", "--wait", typed=line).stdout.startswith("1 messages of 1 user stored")
    assert "I keep bees" in gateway.run("search", "--user", "bob", "bees").stdout
    assert "bees in Graz" in gateway.chat("Who keeps bees in Graz?\n", "--user", "bob").stdout
    doctor = gateway.run("doctor", "--json")
    assert all(finding["is_fine"] for finding in json.loads(doctor.stdout)), doctor.stdout
    assert json.loads(gateway.run("users", "delete", "bob", "--yes").stdout)["messages"] >= 1
    assert "bees" not in gateway.chat("Who keeps bees in Graz?\n", "--user", "bob").stdout.lower().replace(
        "who keeps bees", ""
    )


def test_a_port_in_use_is_said_with_what_to_do(gateway):
    done = gateway.run("serve", "--port", gateway.port)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"port {gateway.port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--provider", "openai"], "NAME=BASE_URL"),
        (["--provider", "x=ftp://host"], "http"),
        (["--mode", "sometimes"], "Invalid value for '--mode'"),
        (["--port", "70000"], "Invalid value for '--port'"),
        (["--config", "missing.toml"], "there is no such settings file"),
    ],
)
def test_a_wrong_flag_is_exit_code_2(gateway, flags, said):
    done = gateway.run("serve", *flags)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_created_beside_the_gateway_closes_it(tmp_path):
    running = Gateway(tmp_path)
    try:
        key = running.run("keys", "create", "--kind", "vault", "--user", "alice").stdout.strip()
        assert running.chat("hello\n", "--key", key).exit_code == 0
        by_environment = running.chat("hello\n", RECOLLECT_API_KEY=key)
        assert by_environment.exit_code == 0, by_environment.stderr
        wrong_user = running.chat("hello\n", "--key", key, "--user", "bob")
        assert (wrong_user.exit_code, "403 wrong_user" in wrong_user.stderr) == (1, True)
    finally:
        running.stop()
