"""A request for chat completions as one for messages."""

from __future__ import annotations

import re
from typing import Any

from recollect.errors import InvalidRequestError
from recollect.providers.anthropic.caching import mark_prefix
from recollect.providers.anthropic.content import split_messages

Json = dict[str, Any]

PASSED = ("stream", "top_k", "thinking", "output_config", "container", "context_management", "mcp_servers")
"""Fields of Anthropic's own that a client may add; ``stream`` means the same in both."""
DEFAULT_MAX_TOKENS = 16384
MAX_TOKENS_BY_GENERATION = ((("claude-3-5", "claude-3.5"), 8192), (("claude-3-", "claude-2", "claude-instant"), 4096))
"""Anthropic wants ``max_tokens``; older models write no more than this."""
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768}
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "max"}
FIRST_ADAPTIVE = (4, 6)
"""From this version on Claude decides for itself how long to think, and takes an effort instead of a budget."""
MIN_BUDGET = 1024
JSON_ONLY = "Answer with one JSON object and nothing else."
_VERSION = re.compile(r"claude-[a-z]+-(\d{1,2})(?:[.-](\d{1,2}))?(?![\d])")


def to_messages(chat: Json) -> Json:
    """The same request in Anthropic's words. InvalidRequestError names what cannot be said there.

    Sampling parameters that Anthropic does not have (``seed``, ``logprobs``, penalties …) are left out, as its own
    OpenAI-compatible endpoint does.
    """
    messages = chat.get("messages")
    if not isinstance(messages, list):
        raise _invalid(param="messages", problem="must be a list")
    if (chat.get("n") or 1) != 1:
        raise _invalid(param="n", problem="must be 1 for Anthropic's models")
    system, turns = split_messages(messages)
    request: Json = {"model": chat.get("model"), "max_tokens": _max_tokens(chat), "messages": turns}
    request |= {name: chat[name] for name in PASSED if chat.get(name) is not None}
    _add_format(chat, request, system)
    if system:
        request["system"] = system
    _add_sampling(chat, request)
    _add_tools(chat, request)
    _add_thinking(chat, request)
    user = chat.get("safety_identifier") or chat.get("user")
    if isinstance(user, str):
        request["metadata"] = {"user_id": user}
    mark_prefix(chat, request)
    return request


def _max_tokens(chat: Json) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        given = chat.get(name)
        if isinstance(given, int) and not isinstance(given, bool):
            return given
    model = str(chat.get("model"))
    return next((limit for names, limit in MAX_TOKENS_BY_GENERATION if model.startswith(names)), DEFAULT_MAX_TOKENS)


def _add_format(chat: Json, request: Json, system: list[Json]) -> None:
    wanted = chat.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_schema" and isinstance(wanted, dict) and isinstance(wanted.get("json_schema"), dict):
        schema = {"type": "json_schema", "schema": wanted["json_schema"].get("schema", {"type": "object"})}
        request["output_config"] = {**request.get("output_config", {}), "format": schema}
    elif kind == "json_object":
        system.append({"type": "text", "text": JSON_ONLY})


def _add_sampling(chat: Json, request: Json) -> None:
    temperature, top_p, stop = chat.get("temperature"), chat.get("top_p"), chat.get("stop")
    if isinstance(temperature, (int, float)):
        request["temperature"] = min(1, temperature)
    elif isinstance(top_p, (int, float)):  # newer models refuse both at once
        request["top_p"] = top_p
    stops = [stop] if isinstance(stop, str) else stop
    if isinstance(stops, list) and (kept := [word for word in stops if isinstance(word, str) and word.strip()]):
        request["stop_sequences"] = kept


def _add_tools(chat: Json, request: Json) -> None:
    tools = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(chat.get("tools") or ())]
    tools += [_function(function, {}) for function in chat.get("functions") or () if isinstance(function, dict)]
    if not tools:
        return
    request["tools"] = tools
    choice = _tool_choice(chat.get("tool_choice"))
    if chat.get("parallel_tool_calls") is False:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice:
        request["tool_choice"] = choice


def _tool(tool: Any, place: str) -> Json:  # noqa: ANN401
    if not isinstance(tool, dict):
        raise _invalid(place, "must be an object")
    if tool.get("type", "function") != "function":
        return tool  # one of Anthropic's own, as web_search_20250305
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _invalid(place, "must be a function with a name")
    return _function(function, tool)


def _function(function: Json, tool: Json) -> Json:
    made: Json = {
        "name": function.get("name"),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        made["description"] = function["description"]
    if function.get("strict") is True:
        made["strict"] = True
    if isinstance(tool.get("cache_control"), dict):
        made["cache_control"] = tool["cache_control"]
    return made


def _tool_choice(choice: Any) -> Json | None:  # noqa: ANN401
    if isinstance(choice, dict):
        function = choice.get("function")
        return {"type": "tool", "name": function.get("name")} if isinstance(function, dict) else None
    kind = {"auto": "auto", "required": "any", "none": "none"}.get(choice) if isinstance(choice, str) else None
    return {"type": kind} if kind else None


def _add_thinking(chat: Json, request: Json) -> None:
    """``reasoning_effort`` turns thinking on, unless a tool loop began without it: Anthropic refuses that."""
    effort = chat.get("reasoning_effort")
    if not isinstance(effort, str) or "thinking" in request or _is_thoughtless_loop(request["messages"]):
        return
    if thinks_adaptively(str(request["model"])):
        if effort in EFFORTS:
            request["thinking"] = {"type": "adaptive"}
            request["output_config"] = {**request.get("output_config", {}), "effort": EFFORTS[effort]}
            _drop_sampling(request)
        return
    budget = min(BUDGETS.get(effort, 0), request["max_tokens"] - 1)
    is_forced = request.get("tool_choice", {}).get("type") in {"any", "tool"}
    if budget >= MIN_BUDGET and not is_forced and not str(request["model"]).startswith(("claude-3-5", "claude-3-o")):
        request["thinking"] = {"type": "enabled", "budget_tokens": budget}
        _drop_sampling(request)


def thinks_adaptively(model: str) -> bool:
    """Whether a model takes an effort; one whose name has no version in it is taken to be new."""
    if not model.startswith("claude-") or re.match(r"claude-(?:\d|instant)", model):
        return False
    found = _VERSION.match(model)
    return found is None or (int(found[1]), int(found[2] or 0)) >= FIRST_ADAPTIVE


def _is_thoughtless_loop(turns: list[Json]) -> bool:
    if not turns or not any(block["type"] == "tool_result" for block in turns[-1]["content"]):
        return False
    calling = turns[-2]["content"] if len(turns) > 1 else []
    return not any(block["type"] in {"thinking", "redacted_thinking"} for block in calling)


def _drop_sampling(request: Json) -> None:
    for name in ("temperature", "top_p", "top_k"):
        request.pop(name, None)


def _invalid(param: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{param} {problem}.", param=param, code="invalid_value")
