"""What a message says: the text of its content, and the canonical form of what stands beside the text."""

from __future__ import annotations

import json
from typing import NamedTuple

import orjson

from recollect.errors import InvalidRequestError
from recollect.wire.json_document import without_lone_surrogates
from recollect.wire.memory_block import strip_blocks

_TEXT_KINDS = frozenset({"text", "input_text", "output_text", "summary_text"})
_PLACEHOLDERS = {
    "image_url": "[image]",
    "input_image": "[image]",
    "image": "[image]",
    "input_audio": "[audio]",
    "audio": "[audio]",
    "output_audio": "[audio]",
    "file": "[file]",
    "input_file": "[file]",
    "document": "[file]",
    "video_url": "[video]",
    "input_video": "[video]",
}
_CACHE_MARKERS = frozenset({"cache_control", "prompt_cache_breakpoint"})
_SILENT_KINDS = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_text"})


class Said(NamedTuple):
    """``text`` has a placeholder like ``[image]`` per part that is no text; ``has_words``: there are others too."""

    text: str
    has_words: bool
    has_other_parts: bool


class ToolCall(NamedTuple):
    """One call of a tool or function, as the assistant asked for it."""

    id: str | None
    name: str
    arguments: str


NOTHING_SAID = Said("", has_words=False, has_other_parts=False)


def read_content(content: object, where: str) -> Said:
    """Read a string, a list of parts, or null, without echoed memory blocks.

    InvalidRequestError names the place (``messages[3].content``).
    """
    if isinstance(content, str):
        text = strip_blocks(without_lone_surrogates(content))
        return Said(text, has_words=bool(text.strip()), has_other_parts=False)
    if content is None:
        return NOTHING_SAID
    if not isinstance(content, list):
        message = f"{where} must be a string, an array of content parts, or null."
        raise InvalidRequestError(message, param=where, code="invalid_type")
    texts: list[str] = []
    has_words = has_other_parts = False
    for index, part in enumerate(content):
        text, is_text = read_part(part, where, index)
        has_other_parts = has_other_parts or not is_text
        has_words = has_words or (is_text and bool(text.strip()))
        if text:
            texts.append(text)
    return Said(without_lone_surrogates("\n".join(texts)), has_words, has_other_parts)


def read_part(part: object, where: str, index: int) -> tuple[str, bool]:
    """The text of one part, or its placeholder, and whether it is text. InvalidRequestError names the place."""
    if isinstance(part, str):
        return part, True
    if not isinstance(part, dict):
        message = f"{where}[{index}] must be an object."
        raise InvalidRequestError(message, param=f"{where}[{index}]", code="invalid_type")
    kind = part.get("type", "text")
    if kind in _TEXT_KINDS or kind == "refusal":
        key = "refusal" if kind == "refusal" else "text"
        text = part.get(key)
        if text is not None and not isinstance(text, str):
            message = f"{where}[{index}].{key} must be a string."
            raise InvalidRequestError(message, param=f"{where}[{index}].{key}", code="invalid_type")
        return strip_blocks(text or ""), True
    if kind in _SILENT_KINDS:
        return "", True
    return _PLACEHOLDERS.get(kind, f"[{kind}]") if isinstance(kind, str) else "[part]", False


def parts_content(parts: list[object]) -> str:
    """The canonical content of a message that has other parts than text: the parts without echoed memory blocks, and
    without the cache markers that clients move from message to message."""
    return canonical_json([kept for kept in map(_kept_part, parts) if kept is not None])


def _kept_part(part: object) -> object:
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if key not in _CACHE_MARKERS}
    text = kept.get("text")
    if isinstance(text, str):
        kept["text"] = strip_blocks(text)
        return None if text and not kept["text"] else kept
    return kept


def text_of(content: object) -> str:
    """The text of a reply's content, whatever it is; never raises."""
    try:
        return read_content(content, "content").text
    except InvalidRequestError:
        return ""


def argument_text(arguments: object) -> str:
    """A call's arguments as text, compact where they are JSON: clients read them and write them anew."""
    if not isinstance(arguments, str):
        return "" if arguments is None else canonical_json(arguments)
    try:
        return canonical_json(orjson.loads(arguments))
    except orjson.JSONDecodeError:
        return without_lone_surrogates(arguments)


def chat_tool_calls(message: dict[str, object]) -> list[ToolCall]:
    """The tool calls, custom tool calls and the legacy function call of an assistant message."""
    raw = message.get("tool_calls")
    calls = [_chat_tool_call(call) for call in raw if isinstance(call, dict)] if isinstance(raw, list) else []
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        calls.append(ToolCall(None, str(legacy.get("name") or ""), argument_text(legacy.get("arguments"))))
    return calls


def _chat_tool_call(call: dict[str, object]) -> ToolCall:
    identifier = call.get("id")
    function = call.get("function", call.get("custom"))
    details = function if isinstance(function, dict) else {}
    return ToolCall(
        identifier if isinstance(identifier, str) else None,
        str(details.get("name") or ""),
        argument_text(details.get("arguments", details.get("input"))),
    )


def assistant_content(text: str, calls: list[ToolCall], audio_id: object = None) -> str | None:
    """The canonical content of an assistant message, None where it is only text.

    The same for a reply and for the message by which a client re-sends it, in every dialect. Spoken audio is
    known by its id alone, because clients re-send the id without the transcript.
    """
    if isinstance(audio_id, str) and audio_id:
        return canonical_json({"audio": {"id": audio_id}})
    if not calls:
        return None
    listed = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    return canonical_json({"content": text.strip(), "tool_calls": listed})


def tool_content(text: str, call_id: object) -> str:
    """The canonical content of a tool's result."""
    return canonical_json({"content": text, "tool_call_id": call_id if isinstance(call_id, str) else None})


def canonical_json(value: object) -> str:
    """Compact JSON text, the same for the same value; non-ASCII left as it is."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return _canonical_fallback(value)


def _canonical_fallback(value: object) -> str:
    """For what orjson cannot carry: integers over 64 bits, lone surrogates, depths over 254."""
    try:
        return without_lone_surrogates(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    except RecursionError:
        return '"[nested too deeply]"'
