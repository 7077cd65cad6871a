"""Replies of ``/chat/completions``, plain and streamed, in every provider's variant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.content import ToolCall, argument_text, assistant_content, chat_tool_calls, text_of
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

if TYPE_CHECKING:
    from recollect.domain.usage import Usage


_FIRST = (0, None)


class ChatReplyReader:
    """Reads choice 0. A stream is whole when it says ``[DONE]`` or gives choice 0 a reason to finish."""

    def __init__(self, *, is_streamed: bool, max_bytes: int = MAX_REPLY_BYTES) -> None:
        """``is_streamed``: an event stream, by its content type. What exceeds ``max_bytes`` is not kept."""
        self._body = ReplyBody(is_streamed=is_streamed, max_bytes=max_bytes)

    def feed(self, chunk: bytes) -> None:
        """Take the next decoded bytes."""
        self._body.feed(chunk)

    def finish(self, *, is_cut: bool) -> Reply:
        """The reply; never raises."""
        value, events = self._body.read()
        if isinstance(value, list) and value:  # Gemini wraps its errors so
            value = value[0]
        if isinstance(value, dict):
            return read_completion(value)
        if not events:
            return Reply(is_partial=is_cut or self._body.is_broken)
        stream = _ChatStream()
        for chunk in event_objects(events):
            stream.take(chunk)
        return stream.reply(is_done=DONE in events and not self._body.has_overflown)


def read_completion(value: dict[str, object]) -> Reply:
    """A ``chat.completion`` object, or an error in its place."""
    error = read_error(value.get("error"))
    choice = _first_choice(value.get("choices"))
    message = choice.get("message") if choice else None
    said = _read_message(message) if isinstance(message, dict) else None
    return Reply(
        message=said,
        response_id=text_or_none(value.get("id")),
        model=text_or_none(value.get("model")),
        finish_reason=text_or_none(choice.get("finish_reason")) if choice else None,
        usage=read_usage(value.get("usage")),
        error=error or (read_error(choice.get("error")) if choice else None),
    )


def _first_choice(choices: object) -> dict[str, object] | None:
    """Choice 0, wherever it stands; a choice without an index is it too."""
    if isinstance(choices, list):
        for choice in choices:
            if isinstance(choice, dict) and choice.get("index") in _FIRST:
                return choice
    return None


def _read_message(message: dict[str, object]) -> ReplyMessage | None:
    audio = message.get("audio")
    spoken = audio if isinstance(audio, dict) else {}
    text = text_of(message.get("content")) or text_or_none(message.get("refusal"))
    text = text or text_or_none(spoken.get("transcript")) or ""
    content = assistant_content(text, chat_tool_calls(message), spoken.get("id"))
    return ReplyMessage(text, content) if text or content else None


class _CallBuilder:
    """A tool call that arrives in pieces."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.arguments: list[str] = []

    def call(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.arguments))


class _ChatStream:
    """Accumulates ``chat.completion.chunk`` objects."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._transcripts: list[str] = []
        self._audio_id: str | None = None
        self._calls: list[_CallBuilder] = []
        self._call_by_index: dict[int, _CallBuilder] = {}
        self._legacy: _CallBuilder | None = None
        self._id: str | None = None
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._error: str | None = None

    def take(self, chunk: dict[str, object]) -> None:
        self._id = self._id or text_or_none(chunk.get("id"))
        self._model = self._model or text_or_none(chunk.get("model"))
        self._usage = read_usage(chunk.get("usage")) or self._usage
        self._error = self._error or read_error(chunk.get("error"))
        choice = _first_choice(chunk.get("choices"))
        if choice is None:
            return
        self._error = self._error or read_error(choice.get("error"))
        self._finish_reason = text_or_none(choice.get("finish_reason")) or self._finish_reason
        delta = choice.get("delta", choice.get("message"))
        if isinstance(delta, dict):
            self._take_delta(delta)

    def _take_delta(self, delta: dict[str, object]) -> None:
        content = delta.get("content")
        if content:
            self._texts.append(content if isinstance(content, str) else text_of(content))
        refusal = delta.get("refusal")
        if isinstance(refusal, str):
            self._refusals.append(refusal)
        audio = delta.get("audio")
        if isinstance(audio, dict):
            self._audio_id = text_or_none(audio.get("id")) or self._audio_id
            self._transcripts.append(text_or_none(audio.get("transcript")) or "")
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for call in calls:
                if isinstance(call, dict):
                    self._take_call(call)
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            self._legacy = self._legacy or _CallBuilder()
            _extend(self._legacy, legacy)

    def _take_call(self, piece: dict[str, object]) -> None:
        builder = self._builder(piece)
        builder.id = builder.id or text_or_none(piece.get("id"))
        details = piece.get("function", piece.get("custom"))
        if isinstance(details, dict):
            _extend(builder, details)

    def _builder(self, piece: dict[str, object]) -> _CallBuilder:
        """By index; where a provider leaves it out (Gemini) or repeats it for another call, by id, or the last."""
        identifier = text_or_none(piece.get("id"))
        index = piece.get("index")
        if isinstance(index, int):
            found = self._call_by_index.get(index)
            if found is not None and (identifier is None or found.id in {None, identifier}):
                return found
            builder = self._call_by_index[index] = _CallBuilder()
            self._calls.append(builder)
            return builder
        if identifier is not None:
            known = next((call for call in self._calls if call.id == identifier), None)
        else:
            details = piece.get("function")
            opens = isinstance(details, dict) and bool(details.get("name"))
            known = None if opens or not self._calls else self._calls[-1]
        if known is None:
            known = _CallBuilder()
            self._calls.append(known)
        return known

    def reply(self, *, is_done: bool) -> Reply:
        text = text_of("".join(self._texts) or "".join(self._refusals) or "".join(self._transcripts))
        builders = self._calls + ([self._legacy] if self._legacy else [])
        content = assistant_content(text, [builder.call() for builder in builders], self._audio_id)
        return Reply(
            message=ReplyMessage(text, content) if text or content else None,
            is_partial=self._error is not None or not (is_done or self._finish_reason),
            response_id=self._id,
            model=self._model,
            finish_reason=self._finish_reason,
            usage=self._usage,
            error=self._error,
        )


def _extend(builder: _CallBuilder, details: dict[str, object]) -> None:
    builder.name = builder.name or text_or_none(details.get("name")) or ""
    builder.arguments.append(argument_text(details.get("arguments", details.get("input"))))
