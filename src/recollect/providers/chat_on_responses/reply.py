"""Responses as chat completions."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

CALLS = frozenset({"function_call", "custom_tool_call"})
REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


def to_chat_completion(response: Json) -> Json:
    """The body of a chat completion."""
    items = [item for item in response.get("output") or () if isinstance(item, dict)]
    parts = [part for item in items if item.get("type") == "message" for part in item.get("content") or ()]
    texts = [part for part in parts if part.get("type") == "output_text"]
    refusals = [part.get("refusal", "") for part in parts if part.get("type") == "refusal"]
    said: Json = {"role": "assistant", "content": None, "refusal": "".join(refusals) or None}
    if texts:
        said["content"] = "".join(part.get("text", "") for part in texts)
        annotations = [_annotation(one) for part in texts for one in part.get("annotations") or ()]
        said |= {"annotations": annotations} if annotations else {}
    thought = "".join(_thought(item) for item in items if item.get("type") == "reasoning")
    if thought:
        said["reasoning_content"] = thought
    calls = [tool_call(item) for item in items if item.get("type") in CALLS]
    if calls:
        said["tool_calls"] = calls
    logprobs = [entry for part in texts for entry in part.get("logprobs") or ()]
    choice = {
        "index": 0,
        "message": said,
        "logprobs": {"content": logprobs, "refusal": None} if logprobs else None,
        "finish_reason": finish_reason(response, has_calls=bool(calls)),
    }
    return {**chat_head(response, "chat.completion"), "choices": [choice], "usage": to_usage(response.get("usage"))}


def chat_head(response: Json, kind: str) -> Json:
    """What a completion or a chunk of one begins with."""
    return {
        "id": "chatcmpl-" + str(response.get("id")).removeprefix("resp_"),
        "object": kind,
        "created": response.get("created_at"),
        "model": response.get("model"),
    }


def tool_call(item: Json) -> Json:
    """A call of a function, or of a custom tool."""
    if item.get("type") == "custom_tool_call":
        custom = {"name": item.get("name"), "input": item.get("input") or ""}
        return {"id": item.get("call_id"), "type": "custom", "custom": custom}
    function = {"name": item.get("name"), "arguments": item.get("arguments") or ""}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def finish_reason(response: Json, *, has_calls: bool) -> str:
    """OpenAI's older word for why it ended."""
    reason = (response.get("incomplete_details") or {}).get("reason")
    return REASONS.get(str(reason)) or ("tool_calls" if has_calls else "stop")


def to_usage(usage: object) -> Json | None:
    """Tokens, under the other dialect's names."""
    if not isinstance(usage, dict):
        return None
    given, output = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    cached = (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0
    reasoned = (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    return {
        "prompt_tokens": given,
        "completion_tokens": output,
        "total_tokens": usage.get("total_tokens") or given + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoned},
    }


def to_error(error: object) -> Json:
    """``{"error": {…}}`` from a failed response's."""
    given = error if isinstance(error, dict) else {"message": str(error)}
    message, code = given.get("message") or "The response failed.", given.get("code")
    return {"error": {"message": message, "type": "server_error", "param": given.get("param"), "code": code}}


def _thought(item: Json) -> str:
    parts = item.get("content") or item.get("summary") or ()
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _annotation(annotation: Json) -> Json:
    if annotation.get("type") != "url_citation":
        return annotation
    return {"type": "url_citation", "url_citation": {key: value for key, value in annotation.items() if key != "type"}}
