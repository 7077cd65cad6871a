"""Anthropic's stream of events as chunks of a chat completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.providers.anthropic.reply import finish_reason, to_error, to_usage
from recollect.wire.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from recollect.wire.sse import SseEvent

Json = dict[str, Any]

KEEP_ALIVE = b": ping\n\n"
DONE = b"data: [DONE]\n\n"


class ChatStream:
    """Takes the bytes of one stream, cut anywhere; gives the bytes of the other."""

    def __init__(self, created: int, *, includes_usage: bool) -> None:
        """``includes_usage``: the client asked for a last chunk with the tokens."""
        self._decoder = SseDecoder()
        self._created = created
        self._includes_usage = includes_usage
        self._message: Json = {}
        self._usage: Json = {}
        self._blocks: dict[int, Json] = {}
        self._calls: dict[int, int] = {}
        self._handlers: Mapping[str, Callable[[Json], Iterator[bytes]]] = {
            "message_start": self._start,
            "content_block_start": self._start_block,
            "content_block_delta": self._continue_block,
            "content_block_stop": self._stop_block,
            "message_delta": self._change,
            "message_stop": self._stop,
            "ping": self._ping,
            "error": self._fail,
        }
        self.is_finished = False
        """The stream has said that it is over, by its last event or by an error."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets for these bytes; perhaps nothing yet."""
        return b"".join(piece for event in self._decoder.feed(chunk) for piece in self._translate(event))

    def finish(self) -> bytes:
        """Nothing: a stream that is whole says so itself."""
        return b""

    def _translate(self, event: SseEvent) -> Iterator[bytes]:
        try:
            data = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            return
        if isinstance(data, dict):
            handler = self._handlers.get(str(data.get("type")))
            if handler is not None:
                yield from handler(data)

    def _start(self, data: Json) -> Iterator[bytes]:
        self._message = data.get("message") or {}
        self._usage = dict(self._message.get("usage") or {})
        yield self._chunk({"role": "assistant", "content": ""})

    def _start_block(self, data: Json) -> Iterator[bytes]:
        index, block = data.get("index", 0), data.get("content_block") or {}
        self._blocks[index] = dict(block)
        kind = block.get("type")
        if kind == "tool_use":
            self._calls[index] = len(self._calls)
            function = {"name": block.get("name"), "arguments": ""}
            yield self._chunk(
                {"tool_calls": [self._call(index, id=block.get("id"), type="function", function=function)]}
            )
        elif kind == "text" and block.get("text"):
            yield self._chunk({"content": block["text"]})

    def _continue_block(self, data: Json) -> Iterator[bytes]:
        index, delta = data.get("index", 0), data.get("delta") or {}
        block = self._blocks.setdefault(index, {})
        match delta.get("type"):
            case "text_delta":
                yield self._chunk({"content": delta.get("text", "")})
            case "input_json_delta" if index in self._calls:
                yield self._chunk(
                    {"tool_calls": [self._call(index, function={"arguments": delta.get("partial_json", "")})]}
                )
            case "thinking_delta":
                block["thinking"] = block.get("thinking", "") + delta.get("thinking", "")
                yield self._chunk({"reasoning_content": delta.get("thinking", "")})
            case "signature_delta":
                block["signature"] = block.get("signature", "") + delta.get("signature", "")

    def _stop_block(self, data: Json) -> Iterator[bytes]:
        """A thought is complete with its signature: only then can it be sent back."""
        block = self._blocks.pop(data.get("index", 0), {})
        if block.get("type") in {"thinking", "redacted_thinking"}:
            yield self._chunk({"thinking_blocks": [block]})

    def _change(self, data: Json) -> Iterator[bytes]:
        self._usage |= {key: value for key, value in (data.get("usage") or {}).items() if value is not None}
        yield self._chunk({}, finish_reason((data.get("delta") or {}).get("stop_reason")))

    def _ping(self, data: Json) -> Iterator[bytes]:  # noqa: ARG002 - every handler takes its event
        yield KEEP_ALIVE

    def _fail(self, data: Json) -> Iterator[bytes]:
        self.is_finished = True
        yield _event(to_error(data))

    def _stop(self, data: Json) -> Iterator[bytes]:  # noqa: ARG002
        self.is_finished = True
        if self._includes_usage:
            yield _event({**self._head(), "choices": [], "usage": to_usage(self._usage)})
        yield DONE

    def _call(self, index: int, **fields: object) -> Json:
        return {"index": self._calls[index], **fields}

    def _head(self) -> Json:
        return {
            "id": self._message.get("id"),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._message.get("model"),
        }

    def _chunk(self, delta: Json, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self._includes_usage else {}
        return _event({**self._head(), "choices": [choice], **usage})


def _event(data: Json) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
