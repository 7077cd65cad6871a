"""The chunks of a chat completion as the events of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.providers.messages_on_chat.reply import message_head, stop_reason, to_error, to_usage
from recollect.wire.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

SERVER_ERROR = 500


class MessageStream:
    """Takes the bytes of one stream, cut anywhere; gives the bytes of the other.

    A message is written block by block, while a chat may write its calls in turns: the first call goes out as it
    comes, and whatever comes beside it waits until the end.
    """

    def __init__(self, model: str) -> None:
        """``model`` is the client's, for a provider that does not name one."""
        self._decoder = SseDecoder()
        self._model = model
        self._has_begun = False
        self._open: str | None = None
        self._index = -1
        self._calls: dict[object, Json] = {}
        self._live: object = None
        self._late_text: list[str] = []
        self._usage: object = None
        self._finish_reason: str | None = None
        self.is_finished = False
        """The message has ended, by its last event or by an error."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets for these bytes; perhaps nothing yet."""
        made: list[bytes] = []
        for event in self._decoder.feed(chunk):
            if not self.is_finished:
                made += self._end() if event.data == "[DONE]" else self._read(event.data)
        return b"".join(made)

    def finish(self) -> bytes:
        """The bytes have ended: some providers do not say so in words. Nothing where the reply broke off."""
        return b"" if self.is_finished or self._finish_reason is None else b"".join(self._end())

    def _read(self, text: str) -> Iterator[bytes]:
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        if not isinstance(data, dict):
            return
        if data.get("error"):
            self.is_finished = True
            yield _event("error", to_error(SERVER_ERROR, data))
            return
        if not self._has_begun:
            yield self._begin(data)
        self._usage = data.get("usage") or self._usage
        for choice in (data.get("choices") or ())[:1]:
            yield from self._take(choice.get("delta") or {})
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def _begin(self, data: Json) -> bytes:
        self._has_begun = True
        message = {**message_head(data, self._model), "content": [], "stop_reason": None, "usage": to_usage(None)}
        return _event("message_start", {"message": message})

    def _take(self, delta: Json) -> Iterator[bytes]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought and not self._calls:
            yield from self._go_on("thinking", {"thinking": "", "signature": ""})
            yield self._delta({"type": "thinking_delta", "thinking": thought})
        text = delta.get("content") or delta.get("refusal")
        if text and self._calls:
            self._late_text.append(text)
        elif text:
            yield from self._say(text)
        for call in delta.get("tool_calls") or ():
            yield from self._take_call(call)

    def _say(self, text: str) -> Iterator[bytes]:
        yield from self._go_on("text", {"text": ""})
        yield self._delta({"type": "text_delta", "text": text})

    def _take_call(self, piece: Json) -> Iterator[bytes]:
        function = piece.get("function") or {}
        arguments = function.get("arguments") or ""
        key = self._key(piece)
        if key not in self._calls:
            self._calls[key] = {"id": piece.get("id"), "name": function.get("name"), "arguments": ""}
            if len(self._calls) == 1:
                self._live = key
                yield from self._open_call(self._calls[key])
        self._calls[key]["arguments"] += arguments
        if key == self._live and arguments:
            yield self._delta({"type": "input_json_delta", "partial_json": arguments})

    def _key(self, piece: Json) -> object:
        """By index; where a provider leaves it out, or repeats it for another call, by id."""
        key, identifier = piece.get("index"), piece.get("id")
        known = self._calls.get(key)
        if key is None or (known is not None and identifier and identifier != known["id"]):
            return identifier or self._live
        return key

    def _open_call(self, call: Json) -> Iterator[bytes]:
        yield from self._close()
        yield self._start("tool_use", {"id": call["id"], "name": call["name"], "input": {}})

    def _go_on(self, kind: str, empty: Json) -> Iterator[bytes]:
        """Stay with a block of this kind, or begin one."""
        if self._open != kind:
            yield from self._close()
            yield self._start(kind, empty)

    def _start(self, kind: str, empty: Json) -> bytes:
        self._open = kind
        self._index += 1
        return _event("content_block_start", {"index": self._index, "content_block": {"type": kind, **empty}})

    def _delta(self, delta: Json) -> bytes:
        return _event("content_block_delta", {"index": self._index, "delta": delta})

    def _close(self) -> Iterator[bytes]:
        if self._open is not None:
            self._open = None
            yield _event("content_block_stop", {"index": self._index})

    def _end(self) -> Iterator[bytes]:
        self.is_finished = True
        if not self._has_begun:
            yield self._begin({})
        if self._late_text:
            yield from self._say("".join(self._late_text))
        for key, call in self._calls.items():
            if key != self._live:
                yield from self._open_call(call)
                yield self._delta({"type": "input_json_delta", "partial_json": call["arguments"]})
        yield from self._close()
        reason = stop_reason(self._finish_reason, has_calls=bool(self._calls))
        delta = {"stop_reason": reason, "stop_sequence": None}
        yield _event("message_delta", {"delta": delta, "usage": to_usage(self._usage)})
        yield _event("message_stop", {})


def _event(kind: str, fields: Json) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"
