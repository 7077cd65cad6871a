"""Processes under measurement: started on a core of their own, and asked how much of it they used. Linux only."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GATEWAY_CORE = 0
"""The gateway under test has this core for itself; provider and load share the other one."""
LOAD_CORE = 1
START_S = 120.0
STOP_S = 15.0
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1024
FIRST = -20


def pin(core: int) -> None:
    """Keep this process, and what it starts, on one core where there are several; as root, before all others."""
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, FIRST)
        if os.getsid(0) == os.getpid():  # niceness alone does not reach beyond a session
            Path("/proc/self/autogroup").write_text(str(FIRST), "utf-8")


def relax() -> None:
    """Undo ``pin``, in a process that is not under measurement."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)


@contextmanager
def running(
    command: Sequence[str], *, core: int, log: Path, ready_url: str, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A process that answers, by its id; ended at the end. RuntimeError where it does not come up."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=lambda: pin(core),  # noqa: PLW1509 - no threads are running yet
        )
    try:
        wait_until_ready(process, ready_url, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return once the URL answers, whatever it answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    message = f"{process.args!r} did not come up:\n{log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


def cpu_seconds(pid: int) -> float:
    """User and system time that a process and its children have used."""
    total = 0
    for one in _tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_mib(pid: int) -> float:
    """Memory that a process and its children hold, shared pages counted once."""
    total = 0
    for one in _tree(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / MIB


def _tree(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found
