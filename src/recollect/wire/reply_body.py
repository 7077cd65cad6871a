"""What the reply readers share: collecting bytes cheaply, and reading them whichever form they have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from recollect.wire.sse import stream_data

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_REPLY_BYTES = 32 * 1024 * 1024
DONE = b"[DONE]"
_SPACE = b" \t\r\n\xef\xbb\xbf"


class ReplyBody:
    """The bytes of one reply, up to a limit. Appending is all that happens while the reply streams."""

    def __init__(self, *, is_streamed: bool, max_bytes: int = MAX_REPLY_BYTES) -> None:
        """``is_streamed`` is the content type's word, which some providers get wrong: the bytes decide."""
        self._is_streamed = is_streamed
        self._max_bytes = max_bytes
        self._chunks: list[bytes] = []
        self._size = 0
        self.has_overflown = False
        self.is_broken = False
        """What was kept is the beginning of a reply: too long, or JSON that ends early."""

    def feed(self, chunk: bytes) -> None:
        """Keep a chunk; what comes after the limit is not kept."""
        if self.has_overflown:
            return
        self._size += len(chunk)
        if self._size > self._max_bytes:
            self.has_overflown = self.is_broken = True
            return
        self._chunks.append(chunk)

    def read(self) -> tuple[object | None, list[bytes]]:
        """The JSON value, or the data of each event of a stream."""
        raw = b"".join(self._chunks)
        head = raw[:64].lstrip(_SPACE)
        if head[:1] in {b"{", b"["}:
            value = load_json(raw.lstrip(_SPACE))
            self.is_broken = self.is_broken or value is None
            return value, []
        if not self._is_streamed and not head.startswith((b"data", b"event", b"id", b"retry", b":")):
            return None, []
        return None, stream_data(raw, max_event_bytes=self._max_bytes)


def load_json(text: bytes) -> object | None:
    """A JSON value, None where it is none; also what orjson refuses (NaN, lone surrogates, broken UTF-8)."""
    try:
        return orjson.loads(text)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text.decode("utf-8", "replace"))  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return None


def event_objects(events: list[bytes]) -> Iterator[dict[str, object]]:
    """The JSON objects among the events: comments, pings and ``[DONE]`` are none."""
    for data in events:
        value = load_json(data) if data.lstrip().startswith(b"{") else None
        if isinstance(value, dict):
            yield value


def read_error(error: object) -> str | None:
    """The message of an ``error`` member, whatever its form; None where there is no error."""
    if not error:
        return None
    if isinstance(error, dict):
        message = error.get("message") or error.get("code") or error.get("type")
        return message if isinstance(message, str) else "error"
    return error if isinstance(error, str) else "error"


def text_or_none(value: object) -> str | None:
    """The value where it is a non-empty string."""
    return value if isinstance(value, str) and value else None
