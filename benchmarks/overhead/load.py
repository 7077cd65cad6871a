"""A load generator: keeps some connections busy, each with one request at a time, and notes how long each took."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HOST = "127.0.0.1"
OK = b" 200 "
READ_BYTES = 256 * 1024


@dataclass(slots=True)
class Sample:
    """What one run saw. Times are milliseconds: to the end of a reply, and to the first byte of its body."""

    took_ms: list[float] = field(default_factory=list)
    first_byte_ms: list[float] = field(default_factory=list)
    failed: int = 0

    def took(self, share: float) -> float:
        """A quantile of the time to the end: 0.5 for the median."""
        return quantile(self.took_ms, share)

    def first_byte(self, share: float) -> float:
        """The same for the time to the first byte of the body."""
        return quantile(self.first_byte_ms, share)


def quantile(values: list[float], share: float) -> float:
    """The value below which that share of them lies; 0 for none."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. ``body`` makes the body of the request with that number, so that no two need be the same."""

    port: int
    body: Callable[[int], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v1/chat/completions"

    def request(self, number: int) -> bytes:
        """One request as it goes onto the wire."""
        body = self.body(number)
        fields = {"host": f"{HOST}:{self.port}", "content-type": "application/json", **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def run(target: Target, *, connections: int, seconds: float, first: int = 0, pause_s: float = 0.0) -> Sample:
    """Load for some seconds; requests are numbered from ``first``, and ``pause_s`` lies between a connection's."""
    sample = Sample()
    numbers = itertools.count(first)
    deadline = time.perf_counter() + seconds
    await asyncio.gather(*(_keep_busy(target, numbers, deadline, pause_s, sample) for _ in range(connections)))
    return sample


async def _keep_busy(target: Target, numbers: Iterator[int], deadline: float, pause_s: float, sample: Sample) -> None:
    reader, writer = await asyncio.open_connection(HOST, target.port, limit=READ_BYTES)
    try:
        while time.perf_counter() < deadline:
            request = target.request(next(numbers))
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            first = await _read_body(reader, head.lower(), started)
            if OK in head.partition(b"\r\n")[0]:
                sample.took_ms.append((time.perf_counter() - started) * 1000)
                sample.first_byte_ms.append(first)
            else:
                sample.failed += 1
            if pause_s:
                await asyncio.sleep(pause_s)
    except (OSError, asyncio.IncompleteReadError):
        sample.failed += 1
    finally:
        writer.close()


async def _read_body(reader: asyncio.StreamReader, head: bytes, started: float) -> float:
    """Read to the end; the milliseconds to the first byte."""
    if b"transfer-encoding: chunked" not in head:
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(size)
        return (time.perf_counter() - started) * 1000
    first = 0.0
    while size := int((await reader.readline()).partition(b";")[0], 16):
        first = first or (time.perf_counter() - started) * 1000
        await reader.readexactly(size + 2)
    await reader.readline()
    return first
