"""Replies of ``/responses``, plain, streamed, and as WebSocket messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.content import ToolCall, argument_text, assistant_content, text_of
from recollect.wire.prompt import Reply, ReplyMessage
from recollect.wire.reply_body import MAX_REPLY_BYTES, ReplyBody, event_objects, read_error, text_or_none
from recollect.wire.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Iterable

_TERMINAL_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_RUNNING = frozenset({"queued", "in_progress"})
_CALL_KINDS = frozenset({"function_call", "custom_tool_call"})
_TEXT_DELTAS = frozenset({"response.output_text.delta", "response.refusal.delta"})


class ResponsesReplyReader:
    """Reads the ``response`` object of the terminal event, or what the events gave until a stream broke off."""

    def __init__(self, *, is_streamed: bool, max_bytes: int = MAX_REPLY_BYTES) -> None:
        """``is_streamed``: an event stream, by its content type. What exceeds ``max_bytes`` is not kept."""
        self._body = ReplyBody(is_streamed=is_streamed, max_bytes=max_bytes)

    def feed(self, chunk: bytes) -> None:
        """Take the next decoded bytes."""
        self._body.feed(chunk)

    def finish(self, *, is_cut: bool) -> Reply:
        """The reply; never raises."""
        value, events = self._body.read()
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            return read_response(value)
        if not events:
            return Reply(is_partial=is_cut or self._body.is_broken)
        return read_response_events(event_objects(events))


def read_response(value: dict[str, object]) -> Reply:
    """A ``response`` object, or an error in its place. One that still runs in the background says nothing yet."""
    details = value.get("incomplete_details")
    reason = text_or_none(details.get("reason")) if isinstance(details, dict) else None
    status = text_or_none(value.get("status"))
    output = value.get("output")
    conversation = value.get("conversation")
    return Reply(
        message=read_output(output if isinstance(output, list) else []),
        is_partial=status in _RUNNING,
        response_id=text_or_none(value.get("id")),
        model=text_or_none(value.get("model")),
        conversation_id=text_or_none(conversation.get("id") if isinstance(conversation, dict) else conversation),
        finish_reason=reason or status,
        usage=read_usage(value.get("usage")),
        error=read_error(value.get("error")),
    )


def read_output(items: Iterable[object]) -> ReplyMessage | None:
    """The messages and calls among output items, as one message."""
    texts: list[str] = []
    calls: list[ToolCall] = []
    for item in items:
        if not isinstance(item, dict):
            continue
        kind = item.get("type")
        if kind == "message":
            texts.append(text_of(item.get("content")))
        elif kind in _CALL_KINDS:
            calls.append(
                ToolCall(
                    text_or_none(item.get("call_id")),
                    str(item.get("name") or ""),
                    argument_text(item.get("arguments", item.get("input"))),
                )
            )
    text = "\n".join(text for text in texts if text)
    content = assistant_content(text, calls)
    return ReplyMessage(text, content) if text or content else None


def read_response_events(events: Iterable[dict[str, object]]) -> Reply:
    """The reply that a sequence of events tells, from a stream or a WebSocket."""
    response: dict[str, object] = {}
    items: dict[int, object] = {}
    deltas: dict[int, list[str]] = {}
    error: str | None = None
    for event in events:
        kind = event.get("type")
        found = event.get("response")
        if isinstance(found, dict):
            response = found
        if kind in _TERMINAL_EVENTS and isinstance(found, dict):
            reply = read_response(found)
            return reply if reply.message or not (items or deltas) else _merged(reply, items, deltas)
        place = event.get("output_index")
        position = place if isinstance(place, int) else len(items)
        if kind == "response.output_item.done":
            items[position] = event.get("item")
        elif kind in _TEXT_DELTAS:
            deltas.setdefault(position, []).append(str(event.get("delta") or ""))
        elif kind == "error" or (kind is None and event.get("error")):
            error = error or read_error(event.get("error")) or read_error(event.get("message")) or "error"
    broken = read_response({**response, "output": []})
    return Reply(
        message=_gathered(items, deltas),
        is_partial=True,
        response_id=broken.response_id,
        model=broken.model,
        conversation_id=broken.conversation_id,
        usage=broken.usage,
        error=error or broken.error,
    )


def _merged(reply: Reply, items: dict[int, object], deltas: dict[int, list[str]]) -> Reply:
    """A terminal event whose response leaves the output out, as some servers send it."""
    return Reply(
        message=_gathered(items, deltas),
        response_id=reply.response_id,
        model=reply.model,
        conversation_id=reply.conversation_id,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        error=reply.error,
    )


def _gathered(items: dict[int, object], deltas: dict[int, list[str]]) -> ReplyMessage | None:
    """Finished items in order, and the text so far of those that are not."""
    known = dict(items)
    for position, pieces in deltas.items():
        known.setdefault(position, {"type": "message", "content": "".join(pieces)})
    return read_output(known[position] for position in sorted(known))
