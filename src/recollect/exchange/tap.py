"""Listens to a reply as it passes by: decodes a copy, and knows when all of it was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.content_coding import CopyDecoder

if TYPE_CHECKING:
    from recollect.wire.prompt import Reply, ReplyReader

TERMINAL_MARKS = (
    b"[DONE]",
    b'"response.completed"',
    b'"response.incomplete"',
    b'"response.failed"',
    b'"message_stop"',
)
"""Bytes that a stream's last event holds. The chunk that ends this event is held until the reply is captured; where a
provider marks its end otherwise, the end of the stream serves."""
EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
TAIL_BYTES = max(map(len, TERMINAL_MARKS)) - 1


class ReplyTap:
    """Feeds a reader with decoded bytes."""

    def __init__(self, reader: ReplyReader, encoding: str, *, is_streamed: bool) -> None:
        """``encoding`` is the reply's ``content-encoding`` ("" for none)."""
        self._reader = reader
        self._decoder = CopyDecoder(encoding) if encoding else None
        self._is_streamed = is_streamed
        self._kept: list[bytes] = []
        self._tail = b""
        self._is_ending = False

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk as received; True where a stream's last event ends with it."""
        decoded = self._decoder.feed(chunk) if self._decoder else chunk
        self._reader.feed(decoded)
        if not self._is_streamed:
            self._kept.append(decoded)
            return False
        seen = self._tail + decoded
        self._tail = seen[-TAIL_BYTES:]
        self._is_ending = self._is_ending or any(mark in seen for mark in TERMINAL_MARKS)
        return self._is_ending and seen.endswith(EVENT_ENDS)

    def decoded(self) -> bytes | None:
        """A plain reply's whole body, decoded; None where it could not be decoded."""
        return None if self._decoder and self._decoder.is_broken else b"".join(self._kept)

    def finish(self, *, is_cut: bool) -> Reply:
        """The reply as heard so far."""
        return self._reader.finish(is_cut=is_cut or bool(self._decoder and self._decoder.is_broken))
