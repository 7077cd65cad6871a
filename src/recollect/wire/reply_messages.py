"""Replies of ``/messages``, plain and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.content import ToolCall, argument_text, assistant_content, text_of
from recollect.wire.message_blocks import kind_of, read_calls
from recollect.wire.prompt import Reply, ReplyMessage
from recollect.wire.reply_body import MAX_REPLY_BYTES, ReplyBody, event_objects, read_error, text_or_none
from recollect.wire.usage import read_message_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class MessagesReplyReader:
    """Reads a message. A stream is whole when it says ``message_stop`` or gives a reason to stop."""

    def __init__(self, *, is_streamed: bool, max_bytes: int = MAX_REPLY_BYTES) -> None:
        """``is_streamed``: an event stream, by its content type. What exceeds ``max_bytes`` is not kept."""
        self._body = ReplyBody(is_streamed=is_streamed, max_bytes=max_bytes)

    def feed(self, chunk: bytes) -> None:
        """Take the next decoded bytes."""
        self._body.feed(chunk)

    def finish(self, *, is_cut: bool) -> Reply:
        """The reply; never raises."""
        value, events = self._body.read()
        if isinstance(value, dict):
            return read_message(value)
        if not events:
            return Reply(is_partial=is_cut or self._body.is_broken)
        stream = _MessageStream()
        for event in event_objects(events):
            stream.take(event)
        return stream.reply(has_overflown=self._body.has_overflown)


def read_message(value: Mapping[str, object]) -> Reply:
    """A ``message`` object, or an error in its place."""
    content = value.get("content")
    blocks = content if isinstance(content, list) else []
    return Reply(
        message=_said([text_of([block]) for block in blocks if kind_of(block) == "text"], read_calls(blocks)),
        response_id=text_or_none(value.get("id")),
        model=text_or_none(value.get("model")),
        finish_reason=text_or_none(value.get("stop_reason")),
        usage=read_message_usage(value.get("usage")),
        error=read_error(value.get("error")),
    )


def _said(texts: Iterable[str], calls: list[ToolCall]) -> ReplyMessage | None:
    text = "".join(texts)
    content = assistant_content(text, calls)
    return ReplyMessage(text, content) if text or content else None


class _MessageStream:
    """Accumulates the events of one message."""

    def __init__(self) -> None:
        self._message: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._blocks: dict[int, dict[str, object]] = {}
        self._pieces: dict[int, list[str]] = {}
        self._stop_reason: str | None = None
        self._is_stopped = False
        self._error: str | None = None

    def take(self, event: dict[str, object]) -> None:
        kind, index = event.get("type"), event.get("index")
        position = index if isinstance(index, int) else len(self._blocks)
        if kind == "message_start":
            self._message = _object(event.get("message"))
            self._note_usage(self._message.get("usage"))
        elif kind == "content_block_start":
            self._blocks[position] = _object(event.get("content_block"))
        elif kind == "content_block_delta":
            delta = _object(event.get("delta"))
            piece = delta.get("text", delta.get("partial_json"))
            if isinstance(piece, str):
                self._pieces.setdefault(position, []).append(piece)
        elif kind == "message_delta":
            self._stop_reason = text_or_none(_object(event.get("delta")).get("stop_reason")) or self._stop_reason
            self._note_usage(event.get("usage"))
        elif kind == "message_stop":
            self._is_stopped = True
        elif event.get("error"):
            self._error = self._error or read_error(event.get("error"))

    def _note_usage(self, usage: object) -> None:
        self._usage |= {name: value for name, value in _object(usage).items() if value is not None}

    def reply(self, *, has_overflown: bool) -> Reply:
        texts: list[str] = []
        calls: list[ToolCall] = []
        for position, block in sorted(self._blocks.items()):
            said = "".join(self._pieces.get(position, ()))
            if block.get("type") == "text":
                texts.append(text_of(str(block.get("text") or "") + said))
            elif block.get("type") == "tool_use":
                (call,) = read_calls([block])
                calls.append(call._replace(arguments=argument_text(said)) if said else call)
        is_whole = (self._is_stopped or self._stop_reason is not None) and not has_overflown
        return Reply(
            message=_said(texts, calls),
            is_partial=self._error is not None or not is_whole,
            response_id=text_or_none(self._message.get("id")),
            model=text_or_none(self._message.get("model")),
            finish_reason=self._stop_reason,
            usage=read_message_usage(self._usage) if self._usage else None,
            error=self._error,
        )


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
