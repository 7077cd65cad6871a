"""What Anthropic's Messages API refuses: the scripted provider is as strict, so that a test sees what it would see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIELDS = frozenset(
    {
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "inference_geo",
        "max_tokens",
        "mcp_servers",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user_profile_id",
    }
)
ROLES = frozenset({"user", "assistant", "system"})
MAX_MARKS = 4
MIN_BUDGET = 1024
THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def message_problem(body: Mapping[str, Any]) -> str | None:
    """What is wrong with a request, in words like Anthropic's; None where nothing is."""
    problems = (*_top(body), *_conversation(body), *_marks(body), *_thinking(body))
    return problems[0] if problems else None


def _top(body: Mapping[str, Any]) -> list[str]:
    problems = [f"{name}: Extra inputs are not permitted" for name in body if name not in FIELDS]
    if not isinstance(body.get("max_tokens"), int):
        problems.append("max_tokens: Field required")
    temperature = body.get("temperature")
    if isinstance(temperature, (int, float)) and not 0 <= temperature <= 1:
        problems.append("temperature: range: 0..1")
    for index, tool in enumerate(body.get("tools") or ()):
        if "type" not in tool and "input_schema" not in tool:
            problems.append(f"tools.{index}.custom.input_schema: Field required")
    return problems


def _conversation(body: Mapping[str, Any]) -> Iterator[str]:
    turns = body.get("messages")
    if not isinstance(turns, list) or not turns:
        yield "messages: at least one message is required"
        return
    pending: list[str] = []
    for index, turn in enumerate(turns):
        place, blocks = f"messages.{index}", _blocks(turn.get("content"))
        if turn.get("role") not in ROLES:
            yield f"{place}.role: Input should be 'user', 'assistant' or 'system'"
        if not blocks and index < len(turns) - 1:
            yield f"{place}: all messages must have non-empty content"
        yield from (f"{place}: text content blocks must be non-empty" for block in blocks if _is_empty_text(block))
        leading = [
            str(block.get("tool_use_id")) for block in blocks[: len(pending)] if block.get("type") == "tool_result"
        ]
        if sorted(leading) != sorted(pending):
            yield f"{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {pending}"
        if sum(block.get("type") == "tool_result" for block in blocks) != len(pending):
            yield f"{place}: unexpected `tool_use_id` found in `tool_result` blocks"
        pending = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
    if pending:
        yield "messages: the last `tool_use` blocks have no `tool_result`"


def _marks(body: Mapping[str, Any]) -> Iterator[str]:
    turns = [block for turn in body.get("messages") or () for block in _blocks(turn.get("content"))]
    marked = [block for block in (*_blocks(body.get("system")), *(body.get("tools") or ()), *turns) if _mark(block)]
    if len(marked) + bool(body.get("cache_control")) > MAX_MARKS:
        yield f"A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {len(marked)}."
    if any(block.get("type") in THOUGHTS for block in marked):
        yield "thinking: cache_control cannot be set for thinking blocks"


def _thinking(body: Mapping[str, Any]) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if not MIN_BUDGET <= budget < body.get("max_tokens", 0):
            yield "thinking.enabled.budget_tokens: must be at least 1024 and less than max_tokens"
        if body.get("temperature") not in {None, 1}:
            yield "`temperature` may only be set to 1 when thinking is enabled"
    for turn in body.get("messages") or ():
        for block in _blocks(turn.get("content")):
            if block.get("type") == "thinking" and not block.get("signature"):
                yield "thinking.signature: Field required"


def _blocks(content: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _is_empty_text(block: dict[str, Any]) -> bool:
    return block.get("type") == "text" and not block.get("text")


def _mark(block: dict[str, Any]) -> bool:
    return block.get("cache_control") is not None
