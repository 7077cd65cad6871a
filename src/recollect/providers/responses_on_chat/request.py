"""A request for a response as one for a chat completion."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.errors import InvalidRequestError
from recollect.providers.responses_on_chat.thoughts import unwrap_thoughts

Json = dict[str, Any]

STATEFUL = ("previous_response_id", "conversation", "prompt", "background")
"""What only a provider that keeps responses can do."""
OWN_FIELDS = frozenset(
    {
        *STATEFUL,
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "reasoning",
        "store",
        "stream_options",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "truncation",
    }
)
"""Fields of the Responses API that chat completions do not have, or have otherwise; all others pass."""
CUSTOM_TOOL_SCHEMA = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
"""A custom tool takes free text: for a model that knows functions only, its one argument."""


def to_chat(request: Json) -> Json:
    """The same request in the other dialect. InvalidRequestError names what cannot be said there."""
    for name in STATEFUL:
        if request.get(name):
            raise _unsupported(name, reason="this provider keeps no responses, so the whole input must be sent")
    chat: Json = {name: value for name, value in request.items() if name not in OWN_FIELDS}
    chat["messages"] = _messages(request)
    if isinstance(request.get("max_output_tokens"), int):
        chat["max_tokens"] = request["max_output_tokens"]
    if isinstance(request.get("top_logprobs"), int):
        chat |= {"logprobs": True, "top_logprobs": request["top_logprobs"]}
    reasoning = request.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("effort"):
        chat["reasoning_effort"] = reasoning["effort"]
    _add_text(request.get("text"), chat)
    _add_tools(request, chat)
    if request.get("stream") is True:
        chat["stream_options"] = {"include_usage": True}
    return chat


def custom_tools(request: Json) -> frozenset[str]:
    """The names of the request's custom tools, whose calls are to be given back as such."""
    tools = request.get("tools")
    found = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return frozenset(str(tool.get("name")) for tool in found if tool.get("type") == "custom")


def _messages(request: Json) -> list[Json]:
    messages: list[Json] = []
    if isinstance(request.get("instructions"), str) and request["instructions"]:
        messages.append({"role": "system", "content": request["instructions"]})
    given = request.get("input")
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    if not isinstance(given, list):
        message = "input must be text or a list of items."
        raise InvalidRequestError(message, param="input", code="invalid_value")
    thoughts: list[Any] = []
    for number, item in enumerate(given):
        place = f"input[{number}]"
        if not isinstance(item, dict):
            raise _unsupported(place, reason="it must be an object")
        if item.get("type") == "reasoning":
            thoughts += unwrap_thoughts(item.get("encrypted_content"))
            continue
        _add_item(messages, item, place)
        if thoughts and messages[-1]["role"] == "assistant":
            messages[-1].setdefault("thinking_blocks", []).extend(thoughts)
        thoughts = []
    return messages


def _add_item(messages: list[Json], item: Json, place: str) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        role = "system" if item.get("role") == "developer" else item.get("role")
        messages.append({"role": role, "content": _content(item.get("content"), place)})
    elif kind in {"function_call", "custom_tool_call"}:
        if not messages or messages[-1]["role"] != "assistant":
            messages.append({"role": "assistant", "content": None})
        messages[-1].setdefault("tool_calls", []).append(_call(item))
    elif kind in {"function_call_output", "custom_tool_call_output"}:
        output = _content(item.get("output"), place)
        messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": output})
    else:
        raise _unsupported(place, f"items of the type {kind!r} need a provider with the Responses API")


def _call(item: Json) -> Json:
    arguments = item.get("arguments") or "{}"
    if item["type"] == "custom_tool_call":
        arguments = orjson.dumps({"input": item.get("input", "")}).decode()
    function = {"name": item.get("name"), "arguments": arguments}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def _content(content: Any, place: str) -> Any:  # noqa: ANN401
    """Text, or parts; a list of texts alone becomes text, which every provider reads."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    parts = [_part(part, f"{place}.content[{number}]") for number, part in enumerate(content)]
    if all(set(part) == {"type", "text"} for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _part(part: Any, place: str) -> Json:  # noqa: ANN401
    kind = part.get("type") if isinstance(part, dict) else None
    extra = {"cache_control": part["cache_control"]} if isinstance(part, dict) and "cache_control" in part else {}
    if kind in {"input_text", "output_text", "text", "summary_text"}:
        return {"type": "text", "text": str(part.get("text", "")), **extra}
    if kind == "refusal":
        return {"type": "text", "text": str(part.get("refusal", "")), **extra}
    if kind == "input_image" and part.get("image_url"):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}, **extra}
    if kind == "input_file":
        names = ("file_data", "file_id", "filename")
        return {"type": "file", "file": {name: part[name] for name in names if part.get(name)}, **extra}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": part.get("input_audio"), **extra}
    raise _unsupported(place, f"parts of the type {kind!r} need a provider with the Responses API")


def _add_text(text: Any, chat: Json) -> None:  # noqa: ANN401
    if not isinstance(text, dict):
        return
    if text.get("verbosity"):
        chat["verbosity"] = text["verbosity"]
    wanted = text.get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        schema = {name: value for name, value in wanted.items() if name != "type"}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif isinstance(wanted, dict) and wanted.get("type") == "json_object":
        chat["response_format"] = {"type": "json_object"}


def _add_tools(request: Json, chat: Json) -> None:
    tools = request.get("tools")
    if not isinstance(tools, list) or not tools:
        return
    chat["tools"] = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools)]
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            choice = choice.get("mode", "auto")
        else:
            choice = {"type": "function", "function": {"name": choice.get("name")}}
    if choice:
        chat["tool_choice"] = choice


def _tool(tool: Any, place: str) -> Json:  # noqa: ANN401
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind == "function":
        names = ("name", "description", "parameters", "strict")
        return {"type": "function", "function": {name: tool[name] for name in names if tool.get(name) is not None}}
    if kind == "custom":
        described = {name: tool[name] for name in ("name", "description") if tool.get(name)}
        return {"type": "function", "function": {**described, "parameters": CUSTOM_TOOL_SCHEMA}}
    raise _unsupported(place, f"tools of the type {kind!r} need a provider with the Responses API")


def _unsupported(param: str, reason: str) -> InvalidRequestError:
    message = f"{param} cannot be used here: {reason}."
    return InvalidRequestError(message, param=param, code="unsupported_parameter")
