"""A request for a message as one for a chat completion."""

from __future__ import annotations

import re
from typing import Any

from recollect.errors import InvalidRequestError
from recollect.providers.messages_on_chat.content import to_chat_messages

Json = dict[str, Any]

PASSED = ("model", "temperature", "top_p", "stream")
"""What means the same in both. What a chat has no word for (``top_k``, ``cache_control``, ``metadata`` …) is left out:
these providers cache by themselves, and some refuse fields that they do not know."""
OWN_TOOLS = frozenset({"custom", None})
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
LOW_BUDGET, HIGH_BUDGET = 4096, 16384
_REASONS = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|oss))", re.IGNORECASE)
"""Models that take an effort. Others refuse the field, while Claude Code thinks with any model."""
_COUNTS_ALL = re.compile(r"(?:.*/)?(?:gpt-|chatgpt-|o\d)", re.IGNORECASE)
"""OpenAI's models, the newer of which refuse ``max_tokens``."""


def to_chat(request: Json) -> Json:
    """The same request in the other dialect. InvalidRequestError names what cannot be said there."""
    if request.get("mcp_servers"):
        raise _invalid(param="mcp_servers", problem="needs Anthropic's own API, which calls these servers itself")
    chat: Json = {name: request[name] for name in PASSED if request.get(name) is not None}
    chat["messages"] = to_chat_messages(request.get("system"), request.get("messages"))
    model = str(request.get("model"))
    if isinstance(request.get("max_tokens"), int):
        chat["max_completion_tokens" if _COUNTS_ALL.match(model) else "max_tokens"] = request["max_tokens"]
    if request.get("stop_sequences"):
        chat["stop"] = request["stop_sequences"]
    _add_tools(request, chat)
    _add_format(request, chat)
    effort = _effort(request)
    if effort and _REASONS.match(model):
        chat["reasoning_effort"] = effort
    if request.get("stream") is True:
        chat["stream_options"] = {"include_usage": True}
    return chat


def _add_tools(request: Json, chat: Json) -> None:
    tools = request.get("tools")
    if not isinstance(tools, list) or not tools:
        return
    chat["tools"] = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools)]
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return
    kind = choice.get("type")
    if kind == "tool":
        chat["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind in CHOICES:
        chat["tool_choice"] = CHOICES[kind]
    if choice.get("disable_parallel_tool_use") is True:
        chat["parallel_tool_calls"] = False


def _tool(tool: Any, place: str) -> Json:  # noqa: ANN401
    if not isinstance(tool, dict):
        raise _invalid(place, "must be an object")
    if tool.get("type") not in OWN_TOOLS:
        raise _invalid(place, f"has the type {tool['type']!r}, which needs a provider with Anthropic's Messages API")
    function: Json = {"name": tool.get("name"), "parameters": tool.get("input_schema") or {"type": "object"}}
    function |= {name: tool[name] for name in ("description", "strict") if tool.get(name)}
    return {"type": "function", "function": function}


def _add_format(request: Json, chat: Json) -> None:
    config = request.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    wanted = wanted or request.get("output_format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        schema = {"name": "output", "schema": wanted.get("schema", {"type": "object"}), "strict": True}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}


def _effort(request: Json) -> str | None:
    config, thinking = request.get("output_config"), request.get("thinking")
    if isinstance(config, dict) and config.get("effort") in EFFORTS:
        return EFFORTS[config["effort"]]
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int):
        return None
    return "low" if budget <= LOW_BUDGET else "medium" if budget <= HIGH_BUDGET else "high"


def _invalid(param: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{param} {problem}.", param=param, code="invalid_value")
