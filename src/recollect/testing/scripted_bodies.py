"""What the scripted provider says: reply bodies and stream events in OpenAI's shapes."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, object]
Events = Iterator[tuple[str, Json]]
"""The events of a stream, by name; "" where the dialect names none."""
CREATED = 1_700_000_000
DIMENSION = 8


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the client's functions; ``arguments`` is JSON text."""

    name: str
    arguments: str = "{}"
    id: str = "call_scripted"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reply is to say, in ``pieces`` pieces when it is streamed; ``thinking`` before it, where the dialect
    has a place for that (chat completions, messages).
    """

    id: str
    model: str
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    pieces: int = 5
    has_usage: bool = True
    choices: int = 1
    thinking: str = ""

    @property
    def finish_reason(self) -> str:
        """OpenAI's word for why the answer ends."""
        return "tool_calls" if self.tool_calls else "stop"

    def text_pieces(self) -> list[str]:
        """The text, cut into at most ``pieces`` pieces of about the same length."""
        if not self.text:
            return []
        length = -(-len(self.text) // max(1, self.pieces))
        return [self.text[start : start + length] for start in range(0, len(self.text), length)]

    def usage(self) -> Json:
        """Made-up numbers that add up."""
        output = max(1, len(self.text.split()))
        return {"prompt_tokens": 10, "completion_tokens": output, "total_tokens": 10 + output}


def chat_completion(answer: Answer) -> Json:
    """The body of a chat completion."""
    message: Json = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    if answer.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in answer.tool_calls]
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
        for index in range(answer.choices)
    ]
    return {**_head(answer, "chat.completion"), "choices": choices, "usage": answer.usage()}


def chat_events(answer: Answer) -> Events:
    """The chunks of a streamed chat completion; the name of each event is ""."""
    head = _head(answer, "chat.completion.chunk")

    def chunk(delta: Json, finish_reason: str | None = None) -> Events:
        for index in range(answer.choices):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
            yield "", {**head, "choices": [choice]}

    yield from chunk({"role": "assistant", "content": "" if answer.text else None})
    if answer.thinking:
        yield from chunk({"reasoning_content": answer.thinking})
    for piece in answer.text_pieces():
        yield from chunk({"content": piece})
    for position, call in enumerate(answer.tool_calls):
        opening = {**_tool_call(call), "index": position, "function": {"name": call.name, "arguments": ""}}
        yield from chunk({"tool_calls": [opening]})
        half = len(call.arguments) // 2
        for part in (call.arguments[:half], call.arguments[half:]):
            yield from chunk({"tool_calls": [{"index": position, "function": {"arguments": part}}]})
    yield from chunk({}, answer.finish_reason)
    if answer.has_usage:
        yield "", {**head, "choices": [], "usage": answer.usage()}


def completion(answer: Answer) -> Json:
    """The body of a legacy completion."""
    choice = {"index": 0, "text": answer.text, "logprobs": None, "finish_reason": "stop"}
    return {**_head(answer, "text_completion"), "choices": [choice], "usage": answer.usage()}


def completion_events(answer: Answer) -> Events:
    """The chunks of a streamed legacy completion."""
    pieces = answer.text_pieces() or [""]
    for position, piece in enumerate(pieces):
        reason = "stop" if position == len(pieces) - 1 else None
        choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": reason}
        yield "", {**_head(answer, "text_completion"), "choices": [choice]}
    if answer.has_usage:
        yield "", {**_head(answer, "text_completion"), "choices": [], "usage": answer.usage()}


def response(answer: Answer, *, is_done: bool = True) -> Json:
    """The body of a response, or the unfinished one at the start of a stream."""
    tokens = answer.usage()
    usage = {
        "input_tokens": tokens["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": tokens["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens["total_tokens"],
    }
    return {
        "id": answer.id,
        "object": "response",
        "created_at": CREATED,
        "status": "completed" if is_done else "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": answer.model,
        "output": _items(answer) if is_done else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if is_done else None,
    }


def response_events(answer: Answer) -> Events:
    """The events of a streamed response."""
    for number, event in enumerate(_response_events(answer)):
        yield str(event["type"]), {**event, "sequence_number": number}


def embeddings(body: Mapping[str, object]) -> Json:
    """Vectors that depend on the text alone; base64 where the request asks for it, as OpenAI's SDKs do."""
    given = body.get("input")
    texts = given if isinstance(given, list) else [given]
    dimensions = body.get("dimensions")
    size = dimensions if isinstance(dimensions, int) else DIMENSION
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text, size, body.get("encoding_format"))}
        for index, text in enumerate(texts)
    ]
    return {
        "object": "list",
        "data": data,
        "model": body.get("model"),
        "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
    }


def error(status: int, message: str) -> Json:
    """OpenAI's error body for a status."""
    kind = {401: "invalid_request_error", 429: "rate_limit_error"}.get(
        status,
        "server_error" if status >= 500 else "invalid_request_error",  # noqa: PLR2004
    )
    code = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def model(name: str) -> Json:
    """One entry of the list of models."""
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"}


def _head(answer: Answer, kind: str) -> Json:
    return {
        "id": answer.id,
        "object": kind,
        "created": CREATED,
        "model": answer.model,
        "system_fingerprint": "fp_scripted",
    }


def _tool_call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _message(answer: Answer, *, is_done: bool) -> Json:
    return {
        "id": "msg_" + answer.id,
        "type": "message",
        "role": "assistant",
        "status": "completed" if is_done else "in_progress",
        "content": [_part(answer.text)] if is_done else [],
    }


def _call(call: ToolCall, *, is_done: bool) -> Json:
    return {
        "id": "fc_" + call.id,
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments if is_done else "",
        "status": "completed" if is_done else "in_progress",
    }


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _items(answer: Answer) -> list[Json]:
    calls = [_call(call, is_done=True) for call in answer.tool_calls]
    return [_message(answer, is_done=True), *calls] if answer.text else calls


def _response_events(answer: Answer) -> Iterator[Json]:
    yield {"type": "response.created", "response": response(answer, is_done=False)}
    yield {"type": "response.in_progress", "response": response(answer, is_done=False)}
    output_index = 0
    if answer.text:
        place: Json = {"item_id": "msg_" + answer.id, "output_index": 0, "content_index": 0}
        yield {"type": "response.output_item.added", "output_index": 0, "item": _message(answer, is_done=False)}
        yield {"type": "response.content_part.added", **place, "part": _part("")}
        for piece in answer.text_pieces():
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": answer.text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": _part(answer.text)}
        yield {"type": "response.output_item.done", "output_index": 0, "item": _message(answer, is_done=True)}
        output_index = 1
    for index, call in enumerate(answer.tool_calls, output_index):
        place = {"item_id": "fc_" + call.id, "output_index": index}
        yield {"type": "response.output_item.added", "output_index": index, "item": _call(call, is_done=False)}
        yield {"type": "response.function_call_arguments.delta", **place, "delta": call.arguments}
        done = {"type": "response.function_call_arguments.done", **place, "name": call.name}
        yield {**done, "arguments": call.arguments}
        yield {"type": "response.output_item.done", "output_index": index, "item": _call(call, is_done=True)}
    yield {"type": "response.completed", "response": response(answer)}


def _vector(text: object, size: int, encoding: object) -> list[float] | str:
    seed = hashlib.sha256(json.dumps(text).encode()).digest()
    values = [(seed[index % len(seed)] - 127.5) / 127.5 for index in range(size)]
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{size}f", *values)).decode()
    return values
