"""The content of a message in Anthropic's dialect: blocks of text, images, documents, thoughts, calls and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recollect.errors import InvalidRequestError
from recollect.wire.content import ToolCall, argument_text, parts_content, read_content, read_part, text_of
from recollect.wire.json_document import without_lone_surrogates
from recollect.wire.memory_block import strip_blocks
from recollect.wire.side_calls import strip_harness, strip_reminders

if TYPE_CHECKING:
    from collections.abc import Sequence

TOOL_RESULT = "tool_result"
_CALL = "tool_use"


class UserWords(NamedTuple):
    """What a user's blocks say. ``content`` is canonical JSON where there is more than text."""

    text: str
    content: str | None
    has_words: bool


class AssistantWords(NamedTuple):
    """What an assistant's blocks say and call. ``is_text_alone``: no calls, no thoughts, nothing else."""

    text: str
    calls: list[ToolCall]
    is_text_alone: bool


def read_user(content: object, where: str) -> UserWords:
    """The user's own words and other parts, without tool results, and without what a harness put beside them.

    InvalidRequestError names the place (``messages[3].content[1]``).
    """
    if not isinstance(content, list):
        text = strip_harness(read_content(content, where).text)
        return UserWords(text, None, has_words=bool(text.strip()))
    texts: list[str] = []
    kept: list[object] = []
    has_words = has_others = False
    for index, block in enumerate(content):
        if kind_of(block) == TOOL_RESULT:
            continue
        text, is_text = read_part(block, where, index)
        if is_text:
            text = strip_harness(text)
            if not text.strip():
                continue
            has_words = True
            kept.append({**block, "text": text} if isinstance(block, dict) else block)
        else:
            has_others = True
            kept.append(block)
        texts.append(text)
    joined = without_lone_surrogates("\n".join(texts))
    return UserWords(joined, parts_content(kept) if has_others else None, has_words)


def has_words(block: object) -> bool:
    """A block of text that the user wrote, not a harness."""
    if not isinstance(block, dict) or block.get("type") != "text":
        return False
    text = block.get("text")
    return isinstance(text, str) and bool(strip_harness(strip_blocks(text)).strip())


def read_assistant(content: object, where: str) -> AssistantWords:
    """An assistant's words, in one piece: with citations they come as many blocks. Thoughts are none."""
    if not isinstance(content, list):
        return AssistantWords(read_content(content, where).text, [], is_text_alone=True)
    for index, block in enumerate(content):
        if not isinstance(block, (dict, str)):
            message = f"{where}[{index}] must be an object."
            raise InvalidRequestError(message, param=f"{where}[{index}]", code="invalid_type")
    texts = [text_of([block]) for block in content if isinstance(block, str) or kind_of(block) == "text"]
    return AssistantWords("".join(texts), read_calls(content), is_text_alone=len(texts) == len(content))


def read_calls(blocks: Sequence[object]) -> list[ToolCall]:
    """The calls of the client's tools; those that the provider runs itself are its own business."""
    calls: list[ToolCall] = []
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == _CALL:
            identifier = block.get("id")
            known_id = identifier if isinstance(identifier, str) else None
            calls.append(ToolCall(known_id, str(block.get("name") or ""), argument_text(block.get("input"))))
    return calls


def read_result(block: dict[str, object]) -> str:
    """The text of a tool's result, without the reminders that Claude Code adds to it."""
    return strip_reminders(text_of(block.get("content")))


def kind_of(block: object) -> str:
    """The type of a block; one without is text, as for every reader of parts."""
    kind = block.get("type", "text") if isinstance(block, dict) else "text"
    return kind if isinstance(kind, str) else ""
