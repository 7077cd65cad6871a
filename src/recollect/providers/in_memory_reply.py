"""A reply that was never on a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from recollect.providers.base import Headers


class InMemoryReply:
    """An UpstreamReply from bytes at hand."""

    __slots__ = ("_pieces", "headers", "status")

    def __init__(self, status: int, headers: Headers, pieces: Sequence[bytes]) -> None:
        """``pieces`` are handed out one by one."""
        self.status = status
        self.headers = headers
        self._pieces: Sequence[bytes] = pieces

    def chunks(self) -> AsyncIterator[bytes]:
        """The pieces that are left, in order."""
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Itself: what was handed out is gone."""
        return self

    async def __anext__(self) -> bytes:
        """The next piece."""
        if not self._pieces:
            raise StopAsyncIteration
        piece, self._pieces = self._pieces[0], self._pieces[1:]
        return piece

    async def close(self) -> None:
        """Drop what was not read."""
        self._pieces = ()
