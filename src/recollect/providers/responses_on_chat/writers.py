"""Items of a streamed response while they are being written: each tells which events its progress makes."""

from __future__ import annotations

from typing import Any, Protocol

from recollect.providers.responses_on_chat.items import (
    call_item,
    custom_input,
    message_item,
    reasoning_item,
    text_part,
)

Json = dict[str, Any]
Event = tuple[str, Json]
"""The type of an event, and its fields."""


class ItemWriter(Protocol):
    """One item, from its first event to its last."""

    def start(self) -> list[Event]:
        """The events that open it."""

    def stop(self) -> list[Event]:
        """The events that close it; the last holds the whole item as ``item``."""


class MessageWriter:
    """The assistant's message."""

    def __init__(self, index: int, stem: str) -> None:
        self._index = index
        self._id = f"msg_{stem}"
        self._text = ""
        self._place = {"item_id": self._id, "output_index": index, "content_index": 0}

    def start(self) -> list[Event]:
        """The item, and its one part."""
        return [
            ("response.output_item.added", {"output_index": self._index, "item": message_item(self._id, None)}),
            ("response.content_part.added", {**self._place, "part": text_part("")}),
        ]

    def take(self, text: str) -> list[Event]:
        """More text."""
        self._text += text
        return [("response.output_text.delta", {**self._place, "delta": text, "logprobs": []})]

    def stop(self) -> list[Event]:
        """The whole text, part and item."""
        item = message_item(self._id, self._text)
        return [
            ("response.output_text.done", {**self._place, "text": self._text, "logprobs": []}),
            ("response.content_part.done", {**self._place, "part": text_part(self._text)}),
            ("response.output_item.done", {"output_index": self._index, "item": item}),
        ]


class ReasoningWriter:
    """What the model thinks."""

    def __init__(self, index: int, stem: str) -> None:
        self._index = index
        self._id = f"rs_{stem}_{index}"
        self._text = ""
        self._blocks: list[Any] = []
        self._place = {"item_id": self._id, "output_index": index, "content_index": 0}

    def start(self) -> list[Event]:
        """The item, empty."""
        return [("response.output_item.added", {"output_index": self._index, "item": reasoning_item(self._id, "", [])})]

    def take(self, text: str, blocks: list[Any]) -> list[Event]:
        """More of it; signed blocks are kept for the end."""
        self._text += text
        self._blocks += blocks
        return [("response.reasoning_text.delta", {**self._place, "delta": text})] if text else []

    def stop(self) -> list[Event]:
        """The whole thought."""
        item = reasoning_item(self._id, self._text, self._blocks)
        end = ("response.output_item.done", {"output_index": self._index, "item": item})
        return [("response.reasoning_text.done", {**self._place, "text": self._text}), end] if self._text else [end]


class CallWriter:
    """A call of a function, or of a custom tool."""

    def __init__(self, index: int, stem: str, call: Json, *, is_custom: bool) -> None:
        """``call`` is its first piece, with id and name."""
        self._index = index
        self._id = f"{'ctc' if is_custom else 'fc'}_{stem}_{index}"
        self._is_custom = is_custom
        self._call: Json = {"id": call.get("id"), "function": {"name": (call.get("function") or {}).get("name")}}
        self._arguments = ""
        self._place = {"item_id": self._id, "output_index": index}

    def start(self) -> list[Event]:
        """The item, without arguments."""
        item = call_item(self._id, self._call, is_custom=self._is_custom, is_done=False)
        return [("response.output_item.added", {"output_index": self._index, "item": item})]

    def take(self, arguments: str) -> list[Event]:
        """More of the arguments; a custom tool's text can be told from them only when they are whole."""
        self._arguments += arguments
        if self._is_custom or not arguments:
            return []
        return [("response.function_call_arguments.delta", {**self._place, "delta": arguments})]

    def stop(self) -> list[Event]:
        """The whole call."""
        self._call["function"]["arguments"] = self._arguments
        item = call_item(self._id, self._call, is_custom=self._is_custom)
        end = ("response.output_item.done", {"output_index": self._index, "item": item})
        if self._is_custom:
            text = custom_input(self._arguments)
            return [
                ("response.custom_tool_call_input.delta", {**self._place, "delta": text}),
                ("response.custom_tool_call_input.done", {**self._place, "input": text}),
                end,
            ]
        name = self._call["function"]["name"]
        done = {**self._place, "name": name, "arguments": self._arguments}
        return [("response.function_call_arguments.done", done), end]
