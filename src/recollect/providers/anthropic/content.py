"""A chat's messages as Anthropic's content blocks (platform.claude.com/docs/en/api/messages)."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.errors import InvalidRequestError

Block = dict[str, Any]

SYSTEM_ROLES = frozenset({"system", "developer"})
ANSWER_ROLES = frozenset({"tool", "function"})


def split_messages(messages: list[Any]) -> tuple[list[Block], list[Block]]:
    """The system prompt's blocks, and the turns: neighbours of one side are one turn, as tool results must be."""
    system: list[Block] = []
    turns: list[Block] = []
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            raise _invalid(place, "must be an object")
        role = message.get("role")
        if role in SYSTEM_ROLES:
            system.extend(_with_cache_control(message, _parts(message.get("content"), place)))
            continue
        side = "assistant" if role == "assistant" else "user"
        blocks = _with_cache_control(message, _blocks(message, place))
        if turns and turns[-1]["role"] == side:
            turns[-1]["content"].extend(blocks)
        elif blocks:
            turns.append({"role": side, "content": blocks})
    for turn in turns:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result" and turn["role"] == "user")
    _trim_prefill(turns)
    return system, turns


def _blocks(message: dict[str, Any], place: str) -> list[Block]:
    role = message.get("role")
    if role == "assistant":
        return _assistant_blocks(message, place)
    parts = _parts(message.get("content"), place)
    if role in ANSWER_ROLES and message.get("tool_call_id"):
        result: Block = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": parts}
        return [result | ({"is_error": True} if message.get("is_error") is True else {})]
    return parts


def _assistant_blocks(message: dict[str, Any], place: str) -> list[Block]:
    thinking = message.get("thinking_blocks")
    blocks: list[Block] = [dict(block) for block in thinking] if isinstance(thinking, list) else []
    blocks += _parts(message.get("content"), place)
    if isinstance(message.get("refusal"), str) and not blocks:
        blocks += _parts(message["refusal"], place)
    for number, call in enumerate(message.get("tool_calls") or ()):
        blocks.append(_tool_use(call, f"{place}.tool_calls[{number}]"))
    return blocks


def _tool_use(call: Any, place: str) -> Block:  # noqa: ANN401
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _invalid(place, "must be a function call with a name")
    try:
        given = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        raise _invalid(place, "must have arguments that are JSON text") from None
    arguments = given if isinstance(given, dict) else {"value": given}
    block: Block = {"type": "tool_use", "id": call.get("id") or place, "name": function["name"], "input": arguments}
    return block | _cache_control(call)


def _parts(content: Any, place: str) -> list[Block]:  # noqa: ANN401
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    if not isinstance(content, list):
        raise _invalid(place, "must have content that is text or a list of parts")
    found: list[Block] = []
    for number, part in enumerate(content):
        block = _part(part, f"{place}.content[{number}]")
        if block is not None:
            found.append(block | _cache_control(part))
    return found


def _part(part: Any, place: str) -> Block | None:  # noqa: ANN401
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in {"text", "input_text", "output_text", "refusal"}:
        text = part.get("refusal" if kind == "refusal" else "text")
        return {"type": "text", "text": text} if isinstance(text, str) and text.strip() else None
    if kind in {"image_url", "input_image"}:
        given = part.get("image_url")
        return {"type": "image", "source": _source(given.get("url") if isinstance(given, dict) else given, place)}
    if kind in {"file", "input_file"}:
        return _document(part.get("file", part), place)
    if kind in {"image", "document", "tool_result", "search_result", "thinking", "redacted_thinking"}:
        return dict(part)  # Anthropic's own block, as some clients send it
    raise _invalid(place, f"has the type {kind!r}, which Anthropic's models do not read")


def _document(file: Any, place: str) -> Block:  # noqa: ANN401
    if isinstance(file, dict) and isinstance(file.get("file_data"), str):
        title = {"title": file["filename"]} if isinstance(file.get("filename"), str) else {}
        return {"type": "document", "source": _source(file["file_data"], place), **title}
    if isinstance(file, dict) and isinstance(file.get("file_id"), str):
        return {"type": "document", "source": {"type": "file", "file_id": file["file_id"]}}
    raise _invalid(place, "must have `file_data` or `file_id`")


def _source(url: Any, place: str) -> Block:  # noqa: ANN401
    if not isinstance(url, str):
        raise _invalid(place, "must have a URL")
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, comma, data = url[5:].partition(",")
    media_type, _, encoding = head.partition(";")
    if not comma or encoding != "base64":
        raise _invalid(place, "must be a data URL in base64, or a web address")
    return {"type": "base64", "media_type": media_type or "application/octet-stream", "data": data}


def _cache_control(holder: dict[str, Any]) -> Block:
    control = holder.get("cache_control")
    return {"cache_control": control} if isinstance(control, dict) else {}


def _with_cache_control(message: dict[str, Any], blocks: list[Block]) -> list[Block]:
    """A breakpoint at the message is one at its last block."""
    if blocks:
        blocks[-1] |= _cache_control(message)
    return blocks


def _trim_prefill(turns: list[Block]) -> None:
    """A last turn of the assistant's is continued; Anthropic refuses it where it ends in white space."""
    if turns and turns[-1]["role"] == "assistant" and turns[-1]["content"][-1]["type"] == "text":
        block = turns[-1]["content"][-1]
        block["text"] = block["text"].rstrip()


def _invalid(place: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{place} {problem}.", param=place, code="invalid_value")
