"""Numpy columns that grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)
_LEAST_CAPACITY = 64
_GROWTH = 1.5


class Column(Generic[_Scalar]):
    """Rows of one type, appended at the end in amortised constant time; ``width`` 0 means plain numbers."""

    __slots__ = ("_buffer", "_size")

    def __init__(self, dtype: DTypeLike, width: int = 0) -> None:
        """An empty column of numbers, or of rows of ``width`` numbers."""
        self._buffer: NDArray[_Scalar] = np.empty((0, width) if width else 0, dtype)
        self._size = 0

    def __len__(self) -> int:
        """Rows."""
        return self._size

    @property
    def view(self) -> NDArray[_Scalar]:
        """The rows, valid until the next append."""
        return self._buffer[: self._size]

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self._buffer.nbytes

    def extend(self, rows: NDArray[_Scalar]) -> None:
        """Append rows."""
        needed = self._size + len(rows)
        if needed > len(self._buffer):
            # An exact fit at first: most vaults are loaded once and read often.
            capacity = max(needed, _LEAST_CAPACITY) if not self._size else max(needed, int(needed * _GROWTH))
            buffer = np.empty((capacity, *self._buffer.shape[1:]), self._buffer.dtype)
            buffer[: self._size] = self.view
            self._buffer = buffer
        self._buffer[self._size : needed] = rows
        self._size = needed


class Ragged(Generic[_Scalar]):
    """Runs of rows of different lengths, one after the other."""

    __slots__ = ("_offsets", "rows")

    def __init__(self, dtype: DTypeLike, width: int = 0) -> None:
        """No runs."""
        self.rows: Column[_Scalar] = Column(dtype, width)
        self._offsets: Column[np.int64] = Column(np.int64)
        self._offsets.extend(np.zeros(1, np.int64))

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each run begins; one more than there are runs."""
        return self._offsets.view

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows in each run."""
        return np.diff(self._offsets.view)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.rows.nbytes + self._offsets.nbytes

    def extend(self, rows: NDArray[_Scalar], lengths: NDArray[np.int64]) -> None:
        """Append runs: their rows joined, and how many belong to each."""
        self._offsets.extend(self._offsets.view[-1] + np.cumsum(lengths))
        self.rows.extend(rows)

    def gather(self, runs: NDArray[np.int64]) -> tuple[NDArray[_Scalar], NDArray[np.int64]]:
        """The rows of some runs joined, and where each of these runs begins in them."""
        begin = self.offsets[runs]
        lengths = self.offsets[runs + 1] - begin
        starts = np.cumsum(lengths) - lengths
        places = np.repeat(begin - starts, lengths) + np.arange(int(lengths.sum()))
        return self.rows.view.take(places, axis=0), starts
