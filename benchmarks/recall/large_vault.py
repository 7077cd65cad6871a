"""One large vault over HTTP: how long a search takes, how soon a message can be recalled, what a message costs on disk.

    python -m benchmarks.recall.large_vault [--messages 10000] [--searches 300] [--out FILE]

Starts a gateway on an empty folder, ingests synthetic conversations (benchmarks/overhead/conversations.py) in sessions
of 20 messages, then asks distinct questions one after the other, then ingests single messages with ``wait``, with a
search behind each. Needs nothing but an idle machine.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.overhead.conversations import conversations, message, question

USER = "somebody"
START_S = 60.0
FAREWELL = {"role": "user", "content": "That was everything."}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def post(base: str, path: str, body: dict[str, object]) -> tuple[dict[str, Any], float]:
    """The reply, and the milliseconds it took."""
    request = urllib.request.Request(base + path, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310  loopback
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=600) as reply:  # noqa: S310  loopback
        found: dict[str, Any] = json.load(reply)
    return found, (time.perf_counter() - started) * 1000


def wait_until_up(base: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(base + "/readyz", timeout=5) as reply:  # noqa: S310  loopback
                print(json.load(reply))
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def fill(base: str, messages: int) -> float:
    """Ingest everything; milliseconds a message until all of it could be recalled with vectors."""
    started = time.perf_counter()
    for line in conversations(USER, messages):
        post(base, "/v1/memory/ingest", json.loads(line))
    post(base, "/v1/memory/ingest", {"user": USER, "session_id": "end", "messages": [FAREWELL], "wait": True})
    return (time.perf_counter() - started) * 1000 / messages


def measure(base: str, messages: int, searches: int) -> dict[str, float]:
    """Milliseconds, each the median and the 95th percentile."""
    figures = {"ingest_bulk_ms": fill(base, messages)}
    post(base, "/v1/memory/search", {"user": USER, "query": question(10**6, messages)})
    times = [
        post(base, "/v1/memory/search", {"user": USER, "query": question(number, messages)})[1]
        for number in range(searches)
    ]
    figures |= {"search_p50_ms": quantile(times, 0.5), "search_p95_ms": quantile(times, 0.95)}
    ingested, behind = [], []
    for number in range(searches // 3):
        said = {"role": "user", "content": message(messages + number)}
        body: dict[str, object] = {"user": USER, "session_id": "new", "messages": [said], "wait": True}
        ingested.append(post(base, "/v1/memory/ingest", body)[1])
        asked = question(messages + number, messages)
        behind.append(post(base, "/v1/memory/search", {"user": USER, "query": asked})[1])
    figures |= {"ingest_one_p50_ms": quantile(ingested, 0.5), "ingest_one_p95_ms": quantile(ingested, 0.95)}
    return figures | {"search_behind_p50_ms": quantile(behind, 0.5), "search_behind_p95_ms": quantile(behind, 0.95)}


def quantile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=300)
    parser.add_argument("--out", type=Path, help="write the figures to this file, as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        recollect = Path(sys.executable).with_name("recollect")
        command = [str(recollect), "serve", "--port", str(port), "--data", folder]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as gateway:
            try:
                wait_until_up(base)
                figures = measure(base, args.messages, args.searches)
            finally:
                gateway.send_signal(signal.SIGTERM)
                gateway.wait(60)
        figures["bytes_per_message"] = folder_bytes(Path(folder)) / (args.messages + args.searches // 3)
    for name, value in figures.items():
        print(f"{name:24} {value:10.1f}")
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
