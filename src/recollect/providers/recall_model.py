"""The built-in model ``recollect/recall``: answers by quoting memories, without a network and without an LLM."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from recollect.errors import InvalidRequestError
from recollect.providers.in_memory_reply import InMemoryReply
from recollect.wire.memory_block import DISCLAIMER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recollect.providers.base import UpstreamReply

RECALL_MODEL = "recollect/recall"
OWN_PREFIX = "recollect/"
MAX_QUOTES = 5
MAX_QUOTE_LENGTH = 600
NOTHING = "I have no memory of that."
_JSON_HEADERS = ((b"content-type", b"application/json"),)
_STREAM_HEADERS = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))
_ID_PREFIXES = {"chat/completions": "chatcmpl-", "completions": "cmpl-", "responses": "resp_", "messages": "msg_"}


@dataclass(frozen=True, slots=True)
class RecallModel:
    """Serves one model name, in every dialect that carries a conversation."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    new_id: Callable[[], str] = field(default=lambda: uuid4().hex)

    def serves(self, model: str | None) -> bool:
        """Whether this model name means the built-in one."""
        return model is not None and model.lower() == RECALL_MODEL

    def answer(
        self,
        dialect: str,
        *,
        model: str,
        is_streamed: bool,
        quotes: Sequence[str],
        question: str,
        includes_usage: bool = False,
    ) -> UpstreamReply:
        """A complete reply; ``quotes`` are the recalled texts, best first.

        ``includes_usage`` adds the usage chunk that ``stream_options`` asks for. InvalidRequestError
        ``unsupported_dialect`` where the path carries no conversation (embeddings …).
        """
        prefix = _ID_PREFIXES.get(dialect)
        if prefix is None:
            message = f"The model {RECALL_MODEL} does not serve {dialect}; it answers {', '.join(_ID_PREFIXES)}."
            raise InvalidRequestError(message, code="unsupported_dialect", param="model")
        answer = _Answer(
            prefix + self.new_id(), int(self.clock().timestamp()), model, _pieces(quotes), _tokens(question)
        )
        if not is_streamed:
            return InMemoryReply(200, _JSON_HEADERS, (orjson.dumps(_WHOLE[dialect](answer)),))
        return InMemoryReply(200, _STREAM_HEADERS, tuple(_STREAMS[dialect](answer, includes_usage)))


@dataclass(frozen=True, slots=True)
class _Answer:
    id: str
    created: int
    model: str
    pieces: tuple[str, ...]
    input_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def output_tokens(self) -> int:
        return _tokens(self.text)


def _pieces(quotes: Sequence[str]) -> tuple[str, ...]:
    """The answer's text, in the pieces in which it is streamed."""
    if not quotes:
        return NOTHING, "\n\n" + DISCLAIMER
    lines = (f"- “{_shortened(quote)}”\n" for quote in quotes[:MAX_QUOTES])
    return "This is what I remember:\n\n", *lines, "\n" + DISCLAIMER


def _shortened(quote: str) -> str:
    flat = " ".join(quote.split())
    return flat if len(flat) <= MAX_QUOTE_LENGTH else flat[: MAX_QUOTE_LENGTH - 1].rstrip() + "…"


def _tokens(text: str) -> int:
    """An estimate: four characters to a token, as OpenAI's help pages put it for English."""
    return -(-len(text) // 4)


def _usage(answer: _Answer) -> dict[str, object]:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }


def _chat(answer: _Answer) -> dict[str, object]:
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choice],
        "usage": _usage(answer),
    }


def _chat_stream(answer: _Answer, includes_usage: bool) -> Iterator[bytes]:  # noqa: FBT001
    head = {
        "id": answer.id,
        "object": "chat.completion.chunk",
        "created": answer.created,
        "model": answer.model,
        **({"usage": None} if includes_usage else {}),
    }

    def chunk(delta: dict[str, str], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""}, None)
    for piece in answer.pieces:
        yield chunk({"content": piece}, None)
    yield chunk({}, "stop")
    if includes_usage:
        yield _event({**head, "choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def _completion(answer: _Answer) -> dict[str, object]:
    choice = {"index": 0, "text": answer.text, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": answer.id,
        "object": "text_completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choice],
        "usage": _usage(answer),
    }


def _completion_stream(answer: _Answer, includes_usage: bool) -> Iterator[bytes]:  # noqa: FBT001
    head = {"id": answer.id, "object": "text_completion", "created": answer.created, "model": answer.model}
    for position, piece in enumerate(answer.pieces):
        reason = "stop" if position == len(answer.pieces) - 1 else None
        choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": reason}
        yield _event({**head, "choices": [choice]})
    if includes_usage:
        yield _event({**head, "choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def _item(answer: _Answer, text: str | None) -> dict[str, object]:
    return {
        "id": "msg_" + answer.id.removeprefix(_ID_PREFIXES["responses"]),
        "type": "message",
        "role": "assistant",
        "status": "in_progress" if text is None else "completed",
        "content": [] if text is None else [_part(text)],
    }


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(answer: _Answer, *, is_done: bool = True) -> dict[str, object]:
    usage = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    return {
        "id": answer.id,
        "object": "response",
        "created_at": answer.created,
        "completed_at": answer.created if is_done else None,
        "status": "completed" if is_done else "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": answer.model,
        "output": [_item(answer, answer.text)] if is_done else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if is_done else None,
    }


def _response_stream(answer: _Answer, includes_usage: bool) -> Iterator[bytes]:  # noqa: ARG001, FBT001
    place = {"item_id": _item(answer, None)["id"], "output_index": 0, "content_index": 0}
    whole = _part(answer.text)
    events: list[dict[str, object]] = [
        {"type": "response.created", "response": _response(answer, is_done=False)},
        {"type": "response.in_progress", "response": _response(answer, is_done=False)},
        {"type": "response.output_item.added", "output_index": 0, "item": _item(answer, None)},
        {"type": "response.content_part.added", **place, "part": _part("")},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in answer.pieces),
        {"type": "response.output_text.done", **place, "text": answer.text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": whole},
        {"type": "response.output_item.done", "output_index": 0, "item": _item(answer, answer.text)},
        {"type": "response.completed", "response": _response(answer)},
    ]
    for number, event in enumerate(events):
        yield _named_event({**event, "sequence_number": number})


def _message(answer: _Answer, *, is_done: bool = True) -> dict[str, object]:
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [{"type": "text", "text": answer.text}] if is_done else [],
        "stop_reason": "end_turn" if is_done else None,
        "stop_sequence": None,
        "usage": {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens if is_done else 0},
    }


def _message_stream(answer: _Answer, includes_usage: bool) -> Iterator[bytes]:  # noqa: ARG001, FBT001
    yield _named_event({"type": "message_start", "message": _message(answer, is_done=False)})
    yield _named_event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    for piece in answer.pieces:
        delta = {"type": "text_delta", "text": piece}
        yield _named_event({"type": "content_block_delta", "index": 0, "delta": delta})
    yield _named_event({"type": "content_block_stop", "index": 0})
    change = {"stop_reason": "end_turn", "stop_sequence": None}
    usage = {"output_tokens": answer.output_tokens}
    yield _named_event({"type": "message_delta", "delta": change, "usage": usage})
    yield _named_event({"type": "message_stop"})


def _named_event(data: dict[str, object]) -> bytes:
    return b"event: " + str(data["type"]).encode() + b"\n" + _event(data)


def _event(data: dict[str, object]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"


_WHOLE: dict[str, Callable[[_Answer], dict[str, object]]] = {
    "chat/completions": _chat,
    "completions": _completion,
    "responses": _response,
    "messages": _message,
}
_STREAMS: dict[str, Callable[[_Answer, bool], Iterator[bytes]]] = {
    "chat/completions": _chat_stream,
    "completions": _completion_stream,
    "responses": _response_stream,
    "messages": _message_stream,
}
