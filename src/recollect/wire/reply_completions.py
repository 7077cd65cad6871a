"""Replies of ``/completions``, plain and streamed."""

from __future__ import annotations

from recollect.wire.json_document import without_lone_surrogates
from recollect.wire.prompt import Reply, ReplyMessage
from recollect.wire.reply_body import (
    DONE,
    MAX_REPLY_BYTES,
    ReplyBody,
    event_objects,
    read_error,
    text_or_none,
)
from recollect.wire.usage import read_usage


class CompletionsReplyReader:
    """Reads the text of choice 0."""

    def __init__(self, *, is_streamed: bool, max_bytes: int = MAX_REPLY_BYTES) -> None:
        """``is_streamed``: an event stream, by its content type. What exceeds ``max_bytes`` is not kept."""
        self._body = ReplyBody(is_streamed=is_streamed, max_bytes=max_bytes)

    def feed(self, chunk: bytes) -> None:
        """Take the next decoded bytes."""
        self._body.feed(chunk)

    def finish(self, *, is_cut: bool) -> Reply:
        """The reply; never raises."""
        value, events = self._body.read()
        if not isinstance(value, dict) and not events:
            return Reply(is_partial=is_cut or self._body.is_broken)
        objects = [value] if isinstance(value, dict) else list(event_objects(events))
        texts: list[str] = []
        reply_id = finish_reason = error = usage = model = None
        for item in objects:
            reply_id = reply_id or text_or_none(item.get("id"))
            model = model or text_or_none(item.get("model"))
            usage = read_usage(item.get("usage")) or usage
            error = error or read_error(item.get("error"))
            for choice in _first_choices(item):
                texts.append(text_or_none(choice.get("text")) or "")
                finish_reason = text_or_none(choice.get("finish_reason")) or finish_reason
        text = without_lone_surrogates("".join(texts))
        is_whole = isinstance(value, dict) or DONE in events or finish_reason is not None
        return Reply(
            message=ReplyMessage(text) if text else None,
            is_partial=not is_whole or (error is not None and not isinstance(value, dict)),
            response_id=reply_id,
            model=model,
            finish_reason=finish_reason,
            usage=usage,
            error=error,
        )


def _first_choices(item: dict[str, object]) -> list[dict[str, object]]:
    choices = item.get("choices")
    if not isinstance(choices, list):
        return []
    return [choice for choice in choices if isinstance(choice, dict) and choice.get("index") in {0, None}]
