"""The events of a response as the chunks of a chat completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.providers.chat_on_responses.reply import CALLS, chat_head, finish_reason, to_error, to_usage, tool_call
from recollect.wire.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

DONE = b"data: [DONE]\n\n"
ENDINGS = frozenset({"response.completed", "response.incomplete"})
DELTAS = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_content",
    "response.reasoning_summary_text.delta": "reasoning_content",
}
ARGUMENTS = {
    "response.function_call_arguments.delta": ("function", "arguments"),
    "response.custom_tool_call_input.delta": ("custom", "input"),
}


class ChatChunkStream:
    """Takes the bytes of one stream, cut anywhere; gives the bytes of the other."""

    def __init__(self, *, includes_usage: bool) -> None:
        """``includes_usage``: the client asked for a last chunk with the tokens."""
        self._decoder = SseDecoder()
        self._includes_usage = includes_usage
        self._response: Json = {}
        self._calls: dict[object, int] = {}
        self.is_finished = False
        """The response has ended, by its last event or by an error."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets for these bytes; perhaps nothing yet."""
        made: list[bytes] = []
        for event in self._decoder.feed(chunk):
            if not self.is_finished:
                made += self._read(event.data)
        return b"".join(made)

    def finish(self) -> bytes:
        """Nothing: a stream that is whole says so itself."""
        return b""

    def _read(self, text: str) -> Iterator[bytes]:
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        if not isinstance(data, dict):
            return
        kind = str(data.get("type"))
        if kind in DELTAS:
            yield self._chunk({DELTAS[kind]: data.get("delta") or ""})
        elif kind in ARGUMENTS:
            yield from self._continue_call(kind, data)
        elif kind == "response.output_item.added":
            yield from self._begin_call(data)
        elif kind == "response.created":
            self._response = data.get("response") or {}
            yield self._chunk({"role": "assistant", "content": ""})
        elif kind in ENDINGS:
            yield from self._end(data.get("response") or {})
        elif kind in {"error", "response.failed"}:
            yield self._fail(data)

    def _begin_call(self, data: Json) -> Iterator[bytes]:
        item = data.get("item") or {}
        if item.get("type") in CALLS:
            number = self._calls[data.get("output_index")] = len(self._calls)
            yield self._chunk({"tool_calls": [{"index": number, **tool_call(item)}]})

    def _continue_call(self, kind: str, data: Json) -> Iterator[bytes]:
        number = self._calls.get(data.get("output_index"))
        member, field = ARGUMENTS[kind]
        if number is not None:
            yield self._chunk({"tool_calls": [{"index": number, member: {field: data.get("delta") or ""}}]})

    def _end(self, response: Json) -> Iterator[bytes]:
        self.is_finished = True
        yield self._chunk({}, finish_reason(response, has_calls=bool(self._calls)))
        if self._includes_usage:
            yield _event({**self._head(), "choices": [], "usage": to_usage(response.get("usage"))})
        yield DONE

    def _fail(self, data: Json) -> bytes:
        self.is_finished = True
        failed = (data.get("response") or {}).get("error") or data.get("error") or data
        return _event(to_error(failed))

    def _head(self) -> Json:
        return chat_head(self._response, "chat.completion.chunk")

    def _chunk(self, delta: Json, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self._includes_usage else {}
        return _event({**self._head(), "choices": [choice], **usage})


def _event(data: Json) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
