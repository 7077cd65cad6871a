"""How much the model may be asked: tokens a day, kept on disk, and calls a minute, kept in mind."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from recollect.errors import ExtractorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINUTE_S = 60.0
_LONGEST_FILE = 1 << 20


@dataclass(slots=True)
class DailyTokens:
    """Counts what was used on a day (UTC) in a file of that day in ``folder``; ``most`` None: no limit, no file.

    Every use appends one line, so several processes share one limit; without a folder it is counted in this process.
    """

    folder: Path | None
    most: int | None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _in_memory: dict[str, int] = field(default_factory=dict)

    def check(self, tokens: int) -> None:
        """ExtractorUnavailableError, until midnight, where so many more would be too many."""
        if self.most is None or self.used() + tokens <= self.most:
            return
        now = self.clock().astimezone(UTC)
        midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
        message = (
            f"The extractor has used today's {self.most} tokens (`extractor.daily_tokens`). "
            "It goes on at midnight UTC, or with a higher limit."
        )
        raise ExtractorUnavailableError(message, retry_after_s=(midnight - now).total_seconds())

    def used(self) -> int:
        """Tokens used today."""
        path = self._path()
        if path is None:
            return self._in_memory.get(self._day(), 0)
        try:
            lines = path.read_text("ascii").split()
        except FileNotFoundError:
            return 0
        total = sum(int(line) for line in lines if line.isdecimal())
        if path.stat().st_size > _LONGEST_FILE:
            path.write_text(f"{total}\n", "ascii")
        return total

    def add(self, tokens: int) -> None:
        """So many were used."""
        if self.most is None:
            return
        path = self._path()
        if path is None:
            day = self._day()
            self._in_memory = {day: self._in_memory.get(day, 0) + tokens}
            return
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for old in path.parent.glob("tokens-*"):
                old.unlink(missing_ok=True)
        with path.open("a", encoding="ascii") as file:
            file.write(f"{tokens}\n")

    def _day(self) -> str:
        return f"{self.clock().astimezone(UTC):%Y-%m-%d}"

    def _path(self) -> Path | None:
        return self.folder / f"tokens-{self._day()}" if self.folder else None


@dataclass(slots=True)
class Pace:
    """Calls in the last minute of this process; ``most`` None: no limit."""

    most: int | None
    clock: Callable[[], float] = time.monotonic
    _calls: deque[float] = field(default_factory=deque)
    _rests_until: float = 0.0

    def rest(self, seconds: float) -> None:
        """The endpoint asked to be left alone for so long."""
        self._rests_until = max(self._rests_until, self.clock() + seconds)

    def wait_s(self, calls: int = 1) -> float:
        """Seconds until so many calls may be made."""
        now = self.clock()
        while self._calls and self._calls[0] <= now - MINUTE_S:
            self._calls.popleft()
        wait = max(0.0, self._rests_until - now)
        if self.most is None or len(self._calls) + calls <= self.most:
            return wait
        behind = max(0, min(len(self._calls), len(self._calls) + calls - self.most) - 1)
        return max(wait, self._calls[behind] + MINUTE_S - now) if self._calls else wait

    def note(self) -> None:
        """A call is made now."""
        self._calls.append(self.clock())
