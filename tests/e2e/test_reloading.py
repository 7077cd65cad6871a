"""Other settings while people talk: nobody is cut off, whoever comes next is served by them, and wrong ones change
nothing.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import openai
import pytest

from recollect.client.http_flavour import httpx
from recollect.testing.scripted_provider import Script, ScriptedProvider
from tests.e2e.gateway_process import COMMAND, READY_TIMEOUT_S, GatewayProcess, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = "The first provider answers with a good many words, one after the other."
SECOND = "The second provider answers with as many words, and takes its time as well."
TALKERS = 6
ENOUGH = 8
PATIENCE_S = 30.0
IN_A_TERMINAL = """
import os, sys
os.setsid()
os.close(os.open(os.ttyname(0), os.O_RDWR))  # which makes it the session's
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def providers() -> Iterator[tuple[ScriptedProvider, ScriptedProvider]]:
    with (
        ScriptedProvider.in_thread(Script(text=FIRST, pieces=12, delay_s=0.03)) as first,
        ScriptedProvider.in_thread(Script(text=SECOND, pieces=12, delay_s=0.03)) as second,
    ):
        yield first, second


class Talkers:
    """Clients that stream one answer after the other until they are told to stop."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._base_url = gateway.base_url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._talk, args=(number,)) for number in range(TALKERS)]
        self.heard: list[str] = []
        self.failed: list[Exception] = []

    @contextmanager
    def talking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(PATIENCE_S)

    def _talk(self, number: int) -> None:
        client = openai.OpenAI(base_url=self._base_url, api_key="unused", max_retries=0, timeout=PATIENCE_S)
        turn = 0
        while not self._stop.is_set():
            turn += 1
            try:
                self.heard.append(streamed(client, f"talker {number}", f"I love hiking, and this is turn {turn}."))
            except openai.OpenAIError as error:
                self.failed.append(error)


def streamed(client: openai.OpenAI, user: str, text: str) -> str:
    chunks = client.chat.completions.create(
        model="mine/m", messages=[{"role": "user", "content": text}], user=user, stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def write(file: Path, base_url: str, *more: str) -> None:
    lines = ("[providers.mine]", f'base_url = "{base_url}"', "needs_key = false", *more)
    file.write_text("\n".join(lines) + "\n")


def settled(client: openai.OpenAI, answer: str) -> bool:
    """Every process answers so: one that was only starting is started again, with the new settings."""
    deadline = time.monotonic() + PATIENCE_S
    in_a_row = 0
    while in_a_row < ENOUGH and time.monotonic() < deadline:
        in_a_row = in_a_row + 1 if streamed(client, "talker 0", "What do I love?") == answer else 0
    return in_a_row == ENOUGH


def hang_up(gateway: GatewayProcess, *, until: str) -> None:
    """Send SIGHUP, and wait until the log says so once more."""
    assert gateway.process is not None
    before = gateway.log.read_text().count(until)
    gateway.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE_S
    while gateway.log.read_text().count(until) < before + 1:
        assert time.monotonic() < deadline, gateway.log.read_text()
        assert gateway.process.poll() is None, gateway.log.read_text()
        time.sleep(0.02)


def started(tmp_path: Path, file: Path, first: ScriptedProvider, *flags: str) -> GatewayProcess:
    running = GatewayProcess(
        tmp_path / "data",
        first.base_url,
        flags=("--config", str(file), *flags),
        environment={"RECOLLECT_EMBEDDER_KIND": "none"},
    )
    return running.start()


@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_is_cut_off_and_who_comes_next_is_served_by_the_new_settings(
    tmp_path: Path, providers: tuple[ScriptedProvider, ScriptedProvider], workers: int
) -> None:
    first, second = providers
    file = tmp_path / "mine.toml"
    write(file, first.base_url)
    gateway = started(tmp_path, file, first, "--workers", str(workers))
    client = openai.OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0)
    talkers = Talkers(gateway)
    try:
        with talkers.talking():
            assert first.wait_for(2 * TALKERS, PATIENCE_S)
            write(file, second.base_url, "[recall]", "max_tokens = 500", "cache_mb = 99")
            hang_up(gateway, until="the settings were read again; changed: providers.mine.base_url")
            assert second.wait_for(2 * TALKERS, PATIENCE_S)
        assert talkers.failed == []
        assert set(talkers.heard) == {FIRST, SECOND}
        assert "need a restart: recall.cache_mb" in gateway.log.read_text()
        assert settled(client, SECOND)
        assert "I love hiking" in second.last.body.decode()
        write(file, first.base_url, "[recall]", "max_tokens = -1")
        hang_up(gateway, until="line 5: `recall.max_tokens` must be at least 0")
        assert streamed(client, "talker 0", "And now?") == SECOND
        write(file, first.base_url)
        hang_up(gateway, until="the settings were read again")
        assert settled(client, FIRST)
    finally:
        gateway.kill()


def test_a_key_in_a_file_is_changed_without_a_restart(
    tmp_path: Path, providers: tuple[ScriptedProvider, ScriptedProvider]
) -> None:
    first, _ = providers
    file, secret = tmp_path / "mine.yaml", tmp_path / "secret"
    secret.write_text("sk-old\n")
    file.write_text(f"providers:\n  mine:\n    base_url: {first.base_url}\n    api_key: ${{file:secret}}\n")
    gateway = started(tmp_path, file, first)
    client = openai.OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0)
    try:
        streamed(client, "ann", "Hello")
        assert first.last.header("authorization") == "Bearer sk-old"
        secret.write_text("sk-new\n")
        hang_up(gateway, until="the settings were read again; changed: providers.mine.api_key")
        streamed(client, "ann", "Hello again")
        assert first.last.header("authorization") == "Bearer sk-new"
        assert "sk-new" not in gateway.log.read_text()
    finally:
        gateway.kill()


def test_the_end_of_the_terminal_ends_the_gateway(tmp_path: Path) -> None:
    """The same signal as for a reload: a gateway that was started by hand must not go on unseen."""
    port = free_port()
    command = [str(COMMAND), "serve", "--port", str(port), "--data", str(tmp_path / "data")]
    terminal, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, *command],
        stdin=side,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "RECOLLECT_EMBEDDER_KIND": "none"},
    )
    os.close(side)
    try:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline and not is_ready(port):
            time.sleep(0.05)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        os.close(terminal)
        assert process.wait(PATIENCE_S) in {0, -signal.SIGTERM}
    finally:
        process.kill()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False
