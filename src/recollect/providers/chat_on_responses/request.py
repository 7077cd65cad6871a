"""A request for a chat completion as one for a response."""

from __future__ import annotations

from typing import Any

from recollect.errors import InvalidRequestError

Json = dict[str, Any]

PASSED = (
    "model",
    "stream",
    "temperature",
    "top_p",
    "top_logprobs",
    "parallel_tool_calls",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "service_tier",
)
UNSUPPORTED = ("stop", "audio", "web_search_options", "logit_bias")
"""What would change the answer, and has no place in the Responses API. Sampling details (``seed``, penalties …) are
left out instead, as Anthropic's bridge does."""
LOGPROBS = "message.output_text.logprobs"


def to_response_request(chat: Json) -> Json:
    """The same request in the other dialect. InvalidRequestError names what cannot be said there."""
    messages = chat.get("messages")
    if not isinstance(messages, list):
        raise _invalid(param="messages", problem="must be a list")
    if (chat.get("n") or 1) != 1:
        raise _invalid(param="n", problem="must be 1 for a provider that has the Responses API only")
    for name in UNSUPPORTED:
        if chat.get(name):
            raise _invalid(name, problem="is not known to this provider, which has the Responses API only")
    request: Json = {name: chat[name] for name in PASSED if chat.get(name) is not None}
    request["input"] = [
        item for index, message in enumerate(messages) for item in _items(message, f"messages[{index}]")
    ]
    request["store"] = chat.get("store") is True
    limit = chat.get("max_completion_tokens") or chat.get("max_tokens")
    if isinstance(limit, int):
        request["max_output_tokens"] = limit
    if chat.get("logprobs") is True:
        request["include"] = [LOGPROBS]
    if chat.get("reasoning_effort"):
        request["reasoning"] = {"effort": chat["reasoning_effort"]}
    _add_text(chat, request)
    _add_tools(chat, request)
    return request


def _items(message: Any, place: str) -> list[Json]:  # noqa: ANN401
    if not isinstance(message, dict):
        raise _invalid(place, "must be an object")
    role, content = message.get("role"), message.get("content")
    if role in {"tool", "function"}:
        call_id = message.get("tool_call_id") or message.get("name")
        return [{"type": "function_call_output", "call_id": call_id, "output": _content(content, place, "input_text")}]
    if role != "assistant":
        return [{"type": "message", "role": role, "content": _content(content, place, "input_text")}]
    said = content or message.get("refusal")
    items: list[Json] = []
    if said:
        items.append({"type": "message", "role": "assistant", "content": _content(said, place, "output_text")})
    calls = message.get("tool_calls")
    items += [_call(call, place) for call in calls] if isinstance(calls, list) else []
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        items.append(_call({"id": legacy.get("name"), "function": legacy}, place))
    return items


def _call(call: Any, place: str) -> Json:  # noqa: ANN401
    if isinstance(call, dict) and isinstance(call.get("custom"), dict):
        custom = call["custom"]
        fields = {"name": custom.get("name"), "input": custom.get("input") or ""}
        return {"type": "custom_tool_call", "call_id": call.get("id"), **fields}
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise _invalid(place, "has a tool call that is no function's")
    fields = {"name": function.get("name"), "arguments": function.get("arguments") or "{}"}
    return {"type": "function_call", "call_id": call.get("id"), **fields}


def _content(content: Any, place: str, text_kind: str) -> Any:  # noqa: ANN401
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    return [_part(part, f"{place}.content[{number}]", text_kind) for number, part in enumerate(content)]


def _part(part: Any, place: str, text_kind: str) -> Json:  # noqa: ANN401
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return {"type": text_kind, "text": str(part.get("text", ""))}
    if kind == "refusal":
        return {"type": "refusal", "refusal": str(part.get("refusal", ""))}
    if kind == "image_url" and isinstance(part.get("image_url"), dict):
        given = part["image_url"]
        return {"type": "input_image", "image_url": given.get("url"), "detail": given.get("detail") or "auto"}
    if kind == "file" and isinstance(part.get("file"), dict):
        return {"type": "input_file", **part["file"]}
    raise _invalid(place, f"has the type {kind!r}, which this provider does not read")


def _add_text(chat: Json, request: Json) -> None:
    text: Json = {"verbosity": chat["verbosity"]} if chat.get("verbosity") else {}
    wanted = chat.get("response_format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        text["format"] = {"type": "json_schema", **(wanted.get("json_schema") or {})}
    elif isinstance(wanted, dict) and wanted.get("type") == "json_object":
        text["format"] = {"type": "json_object"}
    if text:
        request["text"] = text


def _add_tools(chat: Json, request: Json) -> None:
    tools = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(chat.get("tools") or ())]
    tools += [_function(function) for function in chat.get("functions") or () if isinstance(function, dict)]
    if not tools:
        return
    request["tools"] = tools
    choice = chat.get("tool_choice") or chat.get("function_call")
    if isinstance(choice, dict):
        inner = choice.get("function") or choice.get("custom") or choice.get("allowed_tools") or choice
        kind = choice.get("type", "function")
        choice = {"type": kind, **inner}
        if kind == "allowed_tools":
            choice["tools"] = [_allowed(tool) for tool in inner.get("tools") or ()]
    if choice:
        request["tool_choice"] = choice


def _allowed(tool: Any) -> Any:  # noqa: ANN401
    function = tool.get("function") if isinstance(tool, dict) else None
    return {"type": "function", "name": function.get("name")} if isinstance(function, dict) else tool


def _tool(tool: Any, place: str) -> Json:  # noqa: ANN401
    if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
        return _function(tool["function"])
    if isinstance(tool, dict) and isinstance(tool.get("custom"), dict):
        return {"type": "custom", **tool["custom"]}
    raise _invalid(place, "must be a function or a custom tool")


def _function(function: Json) -> Json:
    """Strict only where it was asked for: the Responses API takes its absence for a yes."""
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    described = {"description": function["description"]} if function.get("description") else {}
    strict = function.get("strict") is True
    return {"type": "function", "name": function.get("name"), **described, "parameters": schema, "strict": strict}


def _invalid(param: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{param} {problem}.", param=param, code="unsupported_parameter")
