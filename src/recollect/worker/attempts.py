"""What workers have in common: work that may fail in any way, and how long to wait then."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


async def attempt(work: Awaitable[T]) -> tuple[T | None, Exception | None]:
    """The result or the error, whichever: text from anywhere may make an indexer or an extractor fail in any way."""
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 - a worker outlives every defect but its own cancellation
        return None, error


def describe(error: Exception) -> str:
    """The class of an error, and its message where it is one of ours: others may quote the message's text."""
    return (
        f"{type(error).__name__}: {error}" if type(error).__module__.startswith("recollect.") else type(error).__name__
    )


def backoff_s(attempts: int, *, first_s: float, longest_s: float) -> float:
    """Exponential, with jitter: half to one and a half of 2^(attempts-1) times the first wait."""
    wait_s: float = first_s * 2.0 ** min(attempts - 1, 16)
    return min(wait_s, longest_s) * (0.5 + random.random())  # noqa: S311 - not a secret


async def wait_for(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for the event, for that long at most."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return


async def finish(task: asyncio.Task[None] | None, timeout_s: float) -> None:
    """Wait for a task that was told to stop, and cancel it when it takes too long."""
    if task is not None:
        _, unfinished = await asyncio.wait([task], timeout=timeout_s)
        for one in unfinished:
            one.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
