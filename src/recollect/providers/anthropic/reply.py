"""Anthropic's replies, errors and headers as those of chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.providers.base import Headers

Json = dict[str, Any]

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
OVERLOADED = 529
UNAVAILABLE = 503
_OWN_NAMES = {
    b"request-id": b"x-request-id",
    b"anthropic-ratelimit-requests-limit": b"x-ratelimit-limit-requests",
    b"anthropic-ratelimit-requests-remaining": b"x-ratelimit-remaining-requests",
    b"anthropic-ratelimit-tokens-limit": b"x-ratelimit-limit-tokens",
    b"anthropic-ratelimit-tokens-remaining": b"x-ratelimit-remaining-tokens",
}


def to_chat_completion(message: Json, created: int) -> Json:
    """The body of a chat completion.

    Thinking is in ``reasoning_content``, and as blocks in ``thinking_blocks``: a client that sends those back keeps
    Claude's train of thought across tool calls.
    """
    blocks = [block for block in message.get("content") or () if isinstance(block, dict)]
    texts = [block.get("text", "") for block in blocks if block.get("type") == "text"]
    thinking = [block for block in blocks if block.get("type") in {"thinking", "redacted_thinking"}]
    calls = [tool_call(block) for block in blocks if block.get("type") == "tool_use"]
    said: Json = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if thinking:
        said["reasoning_content"] = "".join(block.get("thinking", "") for block in thinking)
        said["thinking_blocks"] = thinking
    if calls:
        said["tool_calls"] = calls
    reason = finish_reason(message.get("stop_reason"))
    return {
        "id": message.get("id"),
        "object": "chat.completion",
        "created": created,
        "model": message.get("model"),
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": reason}],
        "usage": to_usage(message.get("usage") or {}),
    }


def tool_call(block: Json) -> Json:
    """A ``tool_use`` block as a call of a function."""
    arguments = orjson.dumps(block.get("input") or {}).decode()
    return {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": arguments}}


def finish_reason(stop_reason: object) -> str:
    """OpenAI's word for why it ended; ``stop`` for what Anthropic may add."""
    return FINISH_REASONS.get(str(stop_reason), "stop")


def to_usage(usage: Mapping[str, Any]) -> Json:
    """As OpenAI counts: the prompt's tokens hold those that were read from the cache, or written to it."""
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    prompt = (usage.get("input_tokens") or 0) + read + written
    output = usage.get("output_tokens") or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
    }


def to_error(error: object) -> Json:
    """``{"error": {…}}`` from Anthropic's ``{"type": "error", "error": {"type", "message"}}``."""
    inner = error.get("error") if isinstance(error, dict) else None
    given = inner if isinstance(inner, dict) else {}
    kind = given.get("type", "api_error")
    return {"error": {"message": given.get("message", "unknown error"), "type": kind, "param": None, "code": kind}}


def to_status(status: int) -> int:
    """OpenAI's SDKs know no 529."""
    return UNAVAILABLE if status == OVERLOADED else status


def to_headers(headers: Headers) -> Headers:
    """Anthropic's headers, those that OpenAI has too under its names."""
    return tuple((_OWN_NAMES.get(name, name), value) for name, value in headers)
