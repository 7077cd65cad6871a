"""What a request costs on its way through the gateway, side by side with others in one run.

    python -m benchmarks.overhead.run
    python -m benchmarks.overhead.run --nginx /usr/sbin/nginx --litellm ~/litellm/bin/litellm --seconds 6

See README.md for the method. Linux with two cores; everything listens on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.overhead import load
from benchmarks.overhead.contenders import Bench, Contender
from benchmarks.overhead.conversations import chat_body
from benchmarks.overhead.processes import GATEWAY_CORE, LOAD_CORE, cpu_seconds, pin, resident_mib, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORTS = 19500
WARM_UP_S = 2.0
PAUSE_S = 0.05
TOLERATED_FAILURES = 0.001
REQUESTS_A_RUN = 1_000_000
Row = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked at once, for how long, and how often the same is done again."""

    seconds: float
    repetitions: int
    connections: int
    pause_s: float = 0.0
    is_streamed: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What one load showed: the replies, and the CPU time that the gateway used for them."""

    sample: load.Sample
    cpu_s: float
    seconds: float

    @property
    def per_second(self) -> float:
        """Replies a second."""
        return len(self.sample.took_ms) / self.seconds

    @property
    def cpu_s_per_1000(self) -> float:
        """CPU seconds for 1,000 replies, which are CPU milliseconds for one."""
        return self.cpu_s / max(len(self.sample.took_ms), 1) * 1000


def measure(contender: Contender, pid: int | None, seconds: float, repetitions: int) -> Row:
    """One row: the median over the repetitions of each load."""
    numbers = iter(range(0, 1000 * REQUESTS_A_RUN, REQUESTS_A_RUN))
    apply(contender, pid, Load(WARM_UP_S, 1, connections=4), numbers)
    one = apply(contender, pid, Load(seconds, repetitions, connections=1, pause_s=PAUSE_S), numbers)
    many = apply(contender, pid, Load(seconds, repetitions, connections=16), numbers)
    streams = apply(contender, pid, Load(seconds, repetitions, connections=4, is_streamed=True), numbers)
    row: Row = {
        "p50_ms": _median(one, lambda found: found.sample.took(0.5)),
        "p99_ms": _median(one, lambda found: found.sample.took(0.99)),
        "c16_per_s": _median(many, lambda found: found.per_second),
        "c16_p99_ms": _median(many, lambda found: found.sample.took(0.99)),
        "first_byte_ms": _median(streams, lambda found: found.sample.first_byte(0.5)),
        "failed": float(sum(found.sample.failed for found in (*one, *many, *streams))),
    }
    if pid is not None:
        row |= {
            "cpu_s_per_1000": _median(many, lambda found: found.cpu_s_per_1000),
            "cpu_ms_per_stream": _median(streams, lambda found: found.cpu_s_per_1000),
            "memory_mib": round(resident_mib(pid), 1),
        }
    return row


def apply(contender: Contender, pid: int | None, wanted: Load, numbers: Iterator[int]) -> list[Found]:
    """Put a load on a gateway. Every repetition asks what was never asked before."""
    found: list[Found] = []
    for _ in range(wanted.repetitions):
        before = cpu_seconds(pid) if pid is not None else 0.0
        sample = asyncio.run(
            load.run(
                _target(contender, is_streamed=wanted.is_streamed),
                connections=wanted.connections,
                seconds=wanted.seconds,
                first=next(numbers),
                pause_s=wanted.pause_s,
            )
        )
        used = (cpu_seconds(pid) if pid is not None else 0.0) - before
        if sample.failed > len(sample.took_ms) * TOLERATED_FAILURES:
            message = (
                f"{sample.failed} requests failed beside {len(sample.took_ms)} that did not: no figure is worth having"
            )
            raise RuntimeError(message)
        found.append(Found(sample, used, wanted.seconds))
    return found


def _target(contender: Contender, *, is_streamed: bool = False) -> load.Target:
    return load.Target(
        contender.port,
        lambda number: chat_body(contender.model, number, contender.messages, is_streamed=is_streamed),
        headers=contender.headers,
    )


def _median(found: list[Found], value: Callable[[Found], float]) -> float:
    values = sorted(map(value, found))
    return round(values[len(values) // 2], 4)


def contenders(bench: Bench, options: argparse.Namespace) -> dict[str, Callable[[], Contender]]:
    """Everybody that is there, by name; a vault is filled when its turn comes."""
    found: dict[str, Callable[[], Contender]] = {
        "direct": bench.direct,
        "nginx": partial(bench.nginx, options.nginx),
        "floor-asgi-aiohttp": bench.floor,
        "recollect, memory off": partial(bench.recollect, "off", messages=0),
        "recollect, 1,000 messages": partial(bench.recollect, "full", messages=1000),
        "recollect, 10,000 messages": partial(bench.recollect, "full", messages=10_000),
        "recollect, 10,000 messages, read only": partial(bench.recollect, "read", messages=10_000),
        "litellm": partial(bench.litellm, options.litellm),
    }
    absent = {name for name, program in (("nginx", options.nginx), ("litellm", options.litellm)) if not program}
    wanted = [one for one in options.only.split(";") if one]
    return {
        name: made
        for name, made in found.items()
        if name not in absent and (name == "direct" or not wanted or any(one in name for one in wanted))
    }


def table(rows: list[Row]) -> str:
    """The rows in Markdown; latencies are shown as what is added to the first row's."""
    direct = rows[0]
    lines = [
        "| gateway | added p50 | p99 | requests/s | CPU s per 1,000 | stream: first byte | CPU ms a stream | memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        p50 = float(row["p50_ms"]) - float(direct["p50_ms"])
        first = float(row["first_byte_ms"]) - float(direct["first_byte_ms"])
        cells = [
            row["name"],
            f"{p50:.2f} ms",
            f"{float(row['p99_ms']):.2f} ms",
            f"{float(row['c16_per_s']):.0f}",
            f"{float(row['cpu_s_per_1000']):.3f}" if "cpu_s_per_1000" in row else "",
            f"{first:.2f} ms",
            f"{float(row['cpu_ms_per_stream']):.2f}" if "cpu_ms_per_stream" in row else "",
            f"{float(row['memory_mib']):.0f} MiB" if "memory_mib" in row else "",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def circumstances() -> dict[str, str]:
    """What figures mean nothing without."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "command": "python -m " + " ".join(["benchmarks.overhead.run", *sys.argv[1:]]),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load": " ".join(f"{one:.2f}" for one in os.getloadavg()),
    }


def main() -> None:
    """Run everything, print the table, and write the figures to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nginx", default=shutil.which("nginx"), help="Default: the one on PATH, if any.")
    parser.add_argument("--litellm", default=shutil.which("litellm"), help="The program of an installed LiteLLM.")
    parser.add_argument("--seconds", type=float, default=5.0, help="Length of each load.")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", default="", help="Rows whose name contains one of these, separated by semicolons.")
    parser.add_argument("--vaults", type=Path, help="Keep filled vaults in this folder, and use those that are there.")
    parser.add_argument("--out", type=Path, help="Write the figures to this file, as JSON.")
    options = parser.parse_args()
    pin(LOAD_CORE)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="recollect-overhead-") as folder:
        bench = Bench(
            Path(folder), (options.vaults or Path(folder)).absolute(), provider=PORTS + 99, ports=itertools.count(PORTS)
        )
        command = (sys.executable, "-m", "benchmarks.overhead.provider", "--port", str(bench.provider))
        ready = f"http://127.0.0.1:{bench.provider}/"
        with running(command, core=LOAD_CORE, log=bench.folder / "provider.log", ready_url=ready):
            for name, make in contenders(bench, options).items():
                rows.append({"name": name, **_row(make(), bench, options)})
                print(json.dumps(rows[-1]), flush=True)
    found = circumstances()
    print(table(rows), *(f"{name}: {value}" for name, value in found.items()), sep="\n")
    if options.out:
        options.out.write_text(json.dumps({**found, "rows": rows}, indent=1) + "\n", "utf-8")


def _row(contender: Contender, bench: Bench, options: argparse.Namespace) -> Row:
    if not contender.command:
        return measure(contender, None, options.seconds, options.repetitions)
    process = running(
        contender.command,
        core=GATEWAY_CORE,
        log=bench.folder / f"{contender.port}.log",
        ready_url=f"http://127.0.0.1:{contender.port}{contender.ready_path}",
        environment=contender.environment,
    )
    with process as pid:
        return measure(contender, pid, options.seconds, options.repetitions)


if __name__ == "__main__":
    main()
