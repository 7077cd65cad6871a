"""The pieces of a response: its items, and the object around them."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.providers.responses_on_chat.thoughts import wrap_thoughts

Json = dict[str, Any]

ECHOED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, and what it says where the request says nothing."""
INCOMPLETE_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_object(request: Json, chat: Json, output: list[Json], finish_reason: str | None) -> Json:
    """The response; ``finish_reason`` None means that it is in progress. ``chat`` has ``id``, ``created``, ``model``
    and, at the end, ``usage``."""
    echoed = {name: default if request.get(name) is None else request[name] for name, default in ECHOED.items()}
    reason = INCOMPLETE_REASONS.get(finish_reason or "")
    is_done = finish_reason is not None
    return {
        **echoed,
        "id": response_id(chat.get("id")),
        "object": "response",
        "created_at": chat.get("created"),
        "completed_at": chat.get("created") if is_done and reason is None else None,
        "status": ("incomplete" if reason else "completed") if is_done else "in_progress",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": chat.get("model"),
        "output": output,
        "store": False,
        "usage": to_usage(chat.get("usage")) if is_done else None,
    }


def response_id(chat_id: object) -> str:
    """An id in the form that clients of responses expect."""
    text = str(chat_id)
    return text if text.startswith("resp_") else "resp_" + text.removeprefix("chatcmpl-").removeprefix("msg_")


def message_item(item_id: str, text: str | None) -> Json:
    """The assistant's message; ``text`` None while it is being written."""
    content = [] if text is None else [text_part(text)]
    status = "in_progress" if text is None else "completed"
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": content}


def text_part(text: str) -> Json:
    """A piece of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def reasoning_item(item_id: str, text: str, blocks: list[Any]) -> Json:
    """What the model thought; signed thoughts can be sent back by the client."""
    item: Json = {"id": item_id, "type": "reasoning", "summary": []}
    if text:
        item["content"] = [{"type": "reasoning_text", "text": text}]
    if blocks:
        item["encrypted_content"] = wrap_thoughts(blocks)
    return item


def call_item(item_id: str, call: Json, *, is_custom: bool, is_done: bool = True) -> Json:
    """A call of a function or a custom tool; ``call`` is a chat completion's."""
    function = call.get("function") or {}
    arguments = function.get("arguments") or ""
    item = {"id": item_id, "call_id": call.get("id"), "name": function.get("name")}
    item["status"] = "completed" if is_done else "in_progress"
    if is_custom:
        return {**item, "type": "custom_tool_call", "input": custom_input(arguments) if is_done else ""}
    return {**item, "type": "function_call", "arguments": arguments if is_done else ""}


def custom_input(arguments: str) -> str:
    """The free text of a custom tool's call."""
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = given.get("input") if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments


def to_usage(usage: Json | None) -> Json | None:
    """Tokens, under the other dialect's names."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    cached = usage.get("prompt_tokens_details") or {}
    reasoned = usage.get("completion_tokens_details") or {}
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": cached.get("cached_tokens") or 0,
            "cache_write_tokens": cached.get("cache_write_tokens") or 0,
        },
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": reasoned.get("reasoning_tokens") or 0},
        "total_tokens": usage.get("total_tokens") or prompt + completion,
    }


def to_response(request: Json, chat: Json, custom: frozenset[str]) -> Json:
    """The response to a request from the chat completion that answers it."""
    choice = (chat.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    stem = response_id(chat.get("id")).removeprefix("resp_")
    output: list[Json] = []
    thought = message.get("reasoning_content") or message.get("reasoning") or ""
    blocks = message.get("thinking_blocks") or []
    if thought or blocks:
        output.append(reasoning_item(f"rs_{stem}", thought, blocks))
    text = message.get("content") or message.get("refusal")
    if text:
        output.append(message_item(f"msg_{stem}", text))
    for number, call in enumerate(message.get("tool_calls") or ()):
        is_custom = (call.get("function") or {}).get("name") in custom
        output.append(call_item(f"fc_{stem}_{number}", call, is_custom=is_custom))
    return response_object(request, chat, output, choice.get("finish_reason") or "stop")
