"""What the scripted provider says in Anthropic's Messages API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recollect.testing.scripted_bodies import Answer, Json

_EMPTY: dict[str, Json] = {
    "text": {"text": ""},
    "tool_use": {"input": {}},
    "thinking": {"thinking": "", "signature": ""},
}
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}


def message(answer: Answer) -> Json:
    """The body of a message."""
    return {**_head(answer), "content": _blocks(answer), "stop_reason": _stop_reason(answer), "usage": _usage(answer)}


def message_events(answer: Answer) -> Iterator[tuple[str, Json]]:
    """The events of a streamed message."""
    opening = {**_head(answer), "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": opening}
    yield "ping", {"type": "ping"}
    for index, block in enumerate(_blocks(answer)):
        empty = _EMPTY[str(block["type"])]
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": block | empty}
        for delta in _deltas(answer, block):
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    change = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    output = {"output_tokens": _usage(answer)["output_tokens"]}
    yield "message_delta", {"type": "message_delta", "delta": change, "usage": output}
    yield "message_stop", {"type": "message_stop"}


def message_error(status: int, text: str) -> Json:
    """Anthropic's error body."""
    kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "overloaded_error")
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_scripted"}


def _head(answer: Answer) -> Json:
    return {"id": answer.id, "type": "message", "role": "assistant", "model": answer.model, "stop_sequence": None}


def count_of_tokens(body: Mapping[str, object]) -> Json:
    """What ``count_tokens`` answers: four characters to a token."""
    return {"input_tokens": len(json.dumps(body.get("messages"))) // 4}


def _blocks(answer: Answer) -> list[Json]:
    thoughts: list[Json] = [{"type": "thinking", "thinking": answer.thinking, "signature": "scripted"}]
    texts: list[Json] = [{"type": "text", "text": answer.text}] if answer.text else []
    calls: list[Json] = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
        for call in answer.tool_calls
    ]
    return (thoughts if answer.thinking else []) + texts + calls


def _deltas(answer: Answer, block: Json) -> Iterator[Json]:
    if block["type"] == "text":
        for piece in answer.text_pieces():
            yield {"type": "text_delta", "text": piece}
        return
    if block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": answer.thinking}
        yield {"type": "signature_delta", "signature": "scripted"}
        return
    arguments = json.dumps(block["input"])
    half = len(arguments) // 2
    for part in (arguments[:half], arguments[half:]):
        yield {"type": "input_json_delta", "partial_json": part}


def _stop_reason(answer: Answer) -> str:
    return "tool_use" if answer.tool_calls else "end_turn"


def _usage(answer: Answer) -> Json:
    return {**USAGE, "output_tokens": answer.usage()["completion_tokens"]}
