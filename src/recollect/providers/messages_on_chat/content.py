"""Anthropic's messages as those of a chat."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.errors import InvalidRequestError

Json = dict[str, Any]
Part = dict[str, Any]

_SILENT = frozenset({"thinking", "redacted_thinking"})
"""Another model's thoughts, or an earlier one's: a chat has no place for them."""


def to_chat_messages(system: Any, messages: Any) -> list[Json]:  # noqa: ANN401
    """The system prompt and the turns. InvalidRequestError names what a chat cannot say."""
    if not isinstance(messages, list):
        raise _invalid(place="messages", problem="must be a list")
    made = _system(system)
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict):
            raise _invalid(place, "must be an object")
        blocks = _blocks(message.get("content"), f"{place}.content")
        role = message.get("role")
        if role == "assistant":
            made.append(_assistant(blocks, place))
        elif role == "user":
            made += _user(blocks, place)
        else:
            made.append({"role": role, "content": _joined(_parts(blocks, f"{place}.content"))})
    return made


def _system(system: Any) -> list[Json]:  # noqa: ANN401
    if isinstance(system, str):
        return [{"role": "system", "content": system}] if system else []
    if system is None:
        return []
    text = "\n\n".join(part["text"] for part in _parts(_blocks(system, "system"), "system") if part["type"] == "text")
    return [{"role": "system", "content": text}] if text else []


def _blocks(content: Any, place: str) -> list[Json]:  # noqa: ANN401
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise _invalid(place, "must be text or a list of blocks")
    return content


def _assistant(blocks: list[Json], place: str) -> Json:
    texts: list[str] = []
    calls: list[Json] = []
    for number, block in enumerate(blocks):
        kind = block.get("type")
        if kind == "text":
            texts.append(str(block.get("text") or ""))
        elif kind == "tool_use":
            arguments = orjson.dumps(block.get("input") or {}).decode()
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind not in _SILENT:
            where = f"{place}.content[{number}]"
            raise _foreign(where, kind)
    said: Json = {"role": "assistant", "content": "".join(texts) or None}
    if calls:
        said["tool_calls"] = calls
    return said if said["content"] or calls else {**said, "content": ""}


def _user(blocks: list[Json], place: str) -> list[Json]:
    """Each tool result is a message; what is no text in them goes with the user's own words behind them."""
    made: list[Json] = []
    shown: list[Part] = []
    for number, block in enumerate(blocks):
        if block.get("type") != "tool_result":
            continue
        where = f"{place}.content[{number}]"
        content = block.get("content")
        parts = _parts(_blocks(content, where), where) if content else []
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        made.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text})
        shown += [part for part in parts if part["type"] != "text"]
    parts = shown + _parts([block for block in blocks if block.get("type") != "tool_result"], f"{place}.content")
    return [*made, {"role": "user", "content": _joined(parts)}] if parts or not made else made


def _parts(blocks: list[Json], place: str) -> list[Part]:
    return [part for number, block in enumerate(blocks) for part in _part(block, f"{place}[{number}]")]


def _part(block: Json, place: str) -> list[Part]:
    kind, source = block.get("type"), block.get("source")
    if kind == "text":
        text = block.get("text")
        return [{"type": "text", "text": text}] if isinstance(text, str) and text else []
    if kind == "image" and isinstance(source, dict):
        return [{"type": "image_url", "image_url": {"url": _url(source, place)}}]
    if kind == "document" and isinstance(source, dict):
        return _document(block, source, place)
    if kind == "search_result":
        head = f"{block.get('title', '')}\n{source if isinstance(source, str) else ''}".strip()
        return [{"type": "text", "text": head}, *_parts(_blocks(block.get("content"), place), place)]
    if kind in _SILENT:
        return []
    raise _foreign(place, kind)


def _document(block: Json, source: Json, place: str) -> list[Part]:
    if source.get("type") == "text":
        return [{"type": "text", "text": str(source.get("data", ""))}]
    if source.get("type") == "content":
        return _parts(_blocks(source.get("content"), place), place)
    if source.get("type") == "file":
        return [{"type": "file", "file": {"file_id": source.get("file_id")}}]
    if source.get("type") == "url":
        raise _invalid(place, "is a document at a URL, which this provider does not fetch; send its data")
    name = str(block.get("title") or "document.pdf")
    return [{"type": "file", "file": {"filename": name, "file_data": _url(source, place)}}]


def _url(source: Json, place: str) -> str:
    if source.get("type") == "base64":
        return f"data:{source.get('media_type', 'application/octet-stream')};base64,{source.get('data', '')}"
    if source.get("type") == "url" and isinstance(source.get("url"), str):
        return str(source["url"])
    raise _invalid(place, f"has a source of the type {source.get('type')!r}, which this provider cannot read")


def _joined(parts: list[Part]) -> Any:  # noqa: ANN401
    """Texts alone become one text, which every provider reads."""
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts


def _foreign(place: str, kind: object) -> InvalidRequestError:
    return _invalid(place, f"has the type {kind!r}, which needs a provider with Anthropic's Messages API")


def _invalid(place: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"{place} {problem}.", param=place, code="invalid_value")
