"""The files of the spool: lines that are on the disk once they are appended, shared by several processes.

Every process appends to a file of its own. Whoever drains takes a file by renaming it, under the lock that
its writer takes for each line, so that no line is written to a file that is being drained.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_OPEN, _TAKEN, _REJECTED = ".jsonl", ".draining", ".rejected"


class SpoolFiles:
    """Blocking file work: call it from a thread."""

    def __init__(self, directory: Path) -> None:
        """Keep the files in this directory; it is made when the first line is written."""
        self._directory = directory
        self._own = directory / f"{time.time_ns():020d}-{os.getpid()}{_OPEN}"
        self._counts: dict[str, tuple[int, int]] = {}

    def append(self, line: bytes) -> None:
        """Write one line and sync it; a line that cannot be written whole is taken back. Raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._own) as descriptor:
            size = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, line + b"\n")
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        _sync_directory(self._directory)

    def take(self) -> list[Path]:
        """Close every file to its writer; what is to be drained, oldest first."""
        for path in self._files(_OPEN):
            with _locked(path):
                if path.exists():
                    path.rename(path.with_suffix(_TAKEN))
        return self._files(_TAKEN)

    def lines(self, path: Path) -> tuple[list[bytes], bool]:
        """The lines of a file, and whether a torn one (never acknowledged) was left out at its end."""
        *lines, rest = path.read_bytes().split(b"\n")
        return lines, bool(rest)

    def reject(self, path: Path, lines: list[bytes]) -> None:
        """Keep lines that can never be stored beside the file, for a person to look at."""
        rejected = path.with_suffix(_REJECTED)
        known = set(rejected.read_bytes().split(b"\n")) if rejected.exists() else set()
        with _locked(rejected) as descriptor:
            _write_all(descriptor, b"".join(line + b"\n" for line in lines if line not in known))
            os.fsync(descriptor)

    def take_rejected(self) -> None:
        """Let what was rejected be drained once more; a file that is being drained already goes first."""
        for path in self._files(_REJECTED):
            taken = path.with_suffix(_TAKEN)
            with _locked(path):
                if path.exists() and not taken.exists():
                    path.rename(taken)

    def remove(self, path: Path) -> None:
        """Remove a file that is drained."""
        path.unlink(missing_ok=True)
        _sync_directory(self._directory)

    def count(self, *, with_rejected: bool = False) -> int:
        """How many lines wait (files are read once per size)."""
        total = 0
        for path in [*self._files(_OPEN), *self._files(_TAKEN), *(self._files(_REJECTED) if with_rejected else ())]:
            try:
                size = path.stat().st_size
                known_size, lines = self._counts.get(path.name, (-1, 0))
                if size != known_size:
                    lines = path.read_bytes().count(b"\n")
                    self._counts[path.name] = (size, lines)
            except FileNotFoundError:
                self._counts.pop(path.name, None)
                continue
            total += lines
        return total

    def filter(self, keeps: Callable[[bytes], bool]) -> int:
        """Rewrite every file, rejected ones included, without the lines that are not kept; how many went."""
        removed = 0
        for path in [*self._files(_OPEN), *self._files(_TAKEN), *self._files(_REJECTED)]:
            with _locked(path):
                lines, is_torn = self.lines(path)
                kept = [line for line in lines if keeps(line)]
                if len(kept) == len(lines) and not is_torn:
                    continue
                removed += len(lines) - len(kept)
                _replace(path, b"".join(line + b"\n" for line in kept))
        _sync_directory(self._directory)
        return removed

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """Be the only one who drains; False where another process is at it."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)

    def _files(self, suffix: str) -> list[Path]:
        return sorted(self._directory.glob(f"*{suffix}"))


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open for appending and lock; anew where the file was taken or replaced before the lock was ours."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_same_file(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _replace(path: Path, data: bytes) -> None:
    """Put new contents in place of the file; an emptied file goes."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    if not data:
        path.unlink()


def _sync_directory(directory: Path) -> None:
    """Make creations, renames and removals in the directory durable."""
    if not directory.exists():
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
