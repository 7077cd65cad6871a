"""Replies, errors and headers of chat completions as Anthropic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.wire.error_envelope import anthropic_error

if TYPE_CHECKING:
    from recollect.providers.base import Headers

Json = dict[str, Any]

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_OWN_NAMES = {
    b"x-request-id": b"request-id",
    b"x-ratelimit-limit-requests": b"anthropic-ratelimit-requests-limit",
    b"x-ratelimit-remaining-requests": b"anthropic-ratelimit-requests-remaining",
    b"x-ratelimit-limit-tokens": b"anthropic-ratelimit-tokens-limit",
    b"x-ratelimit-remaining-tokens": b"anthropic-ratelimit-tokens-remaining",
}


def to_message(chat: Json) -> Json:
    """The body of a message. Thoughts are a thinking block without a signature: they need not be sent back."""
    choice = (chat.get("choices") or [{}])[0]
    said = choice.get("message") or {}
    blocks: list[Json] = []
    thought = said.get("reasoning_content") or said.get("reasoning")
    if isinstance(thought, str) and thought:
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    text = said.get("content") or said.get("refusal")
    if text:
        blocks.append({"type": "text", "text": text})
    blocks += [tool_use(call) for call in said.get("tool_calls") or ()]
    return {
        **message_head(chat, str(chat.get("model"))),
        "content": blocks,
        "stop_reason": stop_reason(choice.get("finish_reason"), has_calls=bool(said.get("tool_calls"))),
        "usage": to_usage(chat.get("usage")),
    }


def message_head(chat: Json, model: str) -> Json:
    """What a message begins with."""
    return {
        "id": "msg_" + str(chat.get("id")).removeprefix("chatcmpl-").removeprefix("msg_"),
        "type": "message",
        "role": "assistant",
        "model": chat.get("model") or model,
        "stop_sequence": None,
    }


def tool_use(call: Json) -> Json:
    """A call of a function as a block; arguments that are no JSON object are kept as text."""
    function = call.get("function") or {}
    arguments = function.get("arguments") or "{}"
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        given = arguments
    return {
        "type": "tool_use",
        "id": call.get("id"),
        "name": function.get("name"),
        "input": given if isinstance(given, dict) else {"value": given},
    }


def stop_reason(finish_reason: object, *, has_calls: bool) -> str:
    """Anthropic's word for why it ended. Some providers say ``stop`` where they call a tool."""
    reason = STOP_REASONS.get(str(finish_reason), "end_turn")
    return "tool_use" if has_calls and reason == "end_turn" else reason


def to_usage(usage: object) -> Json:
    """As Anthropic counts: what was read from the cache is no part of the input."""
    given = usage if isinstance(usage, dict) else {}
    details = given.get("prompt_tokens_details") or {}
    read = details.get("cached_tokens") or given.get("prompt_cache_hit_tokens") or 0
    written = details.get("cache_write_tokens") or 0
    return {
        "input_tokens": max(0, (given.get("prompt_tokens") or 0) - read - written),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": given.get("completion_tokens") or 0,
    }


def to_error(status: int, error: object) -> Json:
    """Anthropic's error object from OpenAI's, in whichever variant a provider has it."""
    given = error[0] if isinstance(error, list) and error else error
    inner = given.get("error", given) if isinstance(given, dict) else given
    message = (inner.get("message") or inner.get("detail")) if isinstance(inner, dict) else inner
    return anthropic_error(status, str(message or "The provider's reply has no message."))


def to_headers(headers: Headers) -> Headers:
    """OpenAI's headers, those that Anthropic has too under its names."""
    return tuple((_OWN_NAMES.get(name, name), value) for name, value in headers)
