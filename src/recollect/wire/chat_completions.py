"""The dialect of ``/chat/completions``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.errors import InvalidRequestError
from recollect.wire.content import assistant_content, chat_tool_calls, read_content, tool_content
from recollect.wire.prompt import Prompt
from recollect.wire.reply_chat import ChatReplyReader
from recollect.wire.side_calls import is_marked_side_call, is_side_prompt
from recollect.wire.usage import usage_edits
from recollect.wire.utterances import (
    SYSTEM_ROLES,
    content_member,
    ends_with_user,
    find_target,
    insert_text,
    is_kept,
    memory_flag_edits,
    model_edits,
    own_field_edits,
    user_utterance,
    utterance,
)

if TYPE_CHECKING:
    from recollect.wire.content import Said
    from recollect.wire.json_document import Edit, Element, JsonDocument
    from recollect.wire.prompt import PromptEdit, ReplyReader, Utterance

_GUIDES = ("guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "grammar")
"""How vLLM and llama.cpp are asked for structure."""


class ChatCompletions:
    """Messages with roles, content as string or parts."""

    name = "chat/completions"

    def read(self, body: JsonDocument) -> Prompt:
        """One utterance per message, at the same index."""
        elements = _elements(body)
        utterances: list[Utterance] = []
        words: list[bool] = []
        for index, element in enumerate(elements):
            found, has_words = _read_message(element, f"messages[{index}]")
            utterances.append(found)
            words.append(has_words)
        target = find_target(utterances, words)
        model = body.get("model")
        return Prompt(
            dialect=self.name,
            model=model if isinstance(model, str) else None,
            is_streamed=body.get("stream") is True,
            utterances=tuple(utterances),
            target=target,
            ends_with_user=ends_with_user(utterances),
            wants_structure=_wants_structure(body),
            is_side_call=is_marked_side_call(body.values) or _is_side_call(utterances, target),
        )

    def edit(self, body: JsonDocument, edit: PromptEdit) -> bytes:
        """A block goes before the words of its utterance, so that the user's own words are the last ones.

        Utterances that cannot hold a block are left alone.
        """
        edits = own_field_edits(body) + model_edits(body, edit.model) + memory_flag_edits(body, _elements)
        if edit.asks_usage:
            edits += usage_edits(body)
        if edit.blocks or edit.profile:
            elements = _elements(body)
            for index, block in edit.blocks.items():
                if 0 <= index < len(elements):
                    edits += _insert(body, elements[index], block, is_first=True)
            place = _profile_place(elements)
            if edit.profile and place:
                edits += _insert(body, place, edit.profile)
        return body.splice(edits)

    def reply_reader(self, *, is_streamed: bool) -> ReplyReader:
        """A reader for one reply."""
        return ChatReplyReader(is_streamed=is_streamed)


CHAT_COMPLETIONS = ChatCompletions()


def _elements(body: JsonDocument) -> tuple[Element, ...]:
    place = body.member("messages")
    if place is None or place.value is None:
        return ()
    if not isinstance(place.value, list):
        message = "messages must be an array of message objects."
        raise InvalidRequestError(message, param="messages", code="invalid_type")
    return body.elements(place.value_start)


def _read_message(element: Element, where: str) -> tuple[Utterance, bool]:
    message = element.value
    if not isinstance(message, dict):
        text = f"{where} must be an object."
        raise InvalidRequestError(text, param=where, code="invalid_type")
    role = message.get("role")
    if not isinstance(role, str):
        text = f"{where}.role must be a string."
        raise InvalidRequestError(text, param=f"{where}.role", code="invalid_type")
    said = read_content(message.get("content"), f"{where}.content")
    is_storable = is_kept(message, where)
    if role == "user":
        found = user_utterance(said, message.get("content"), name=message.get("name"), is_storable=is_storable)
        return found, bool(found.text.strip()) and said.has_words
    return _read_other(role, message, said, is_storable=is_storable), said.has_words


def _read_other(role: str, message: dict[str, object], said: Said, *, is_storable: bool) -> Utterance:
    name = message.get("name")
    if role in {"assistant", "model"}:
        text = said.text or _refusal(message)
        audio = message.get("audio")
        content = assistant_content(
            text, chat_tool_calls(message), audio.get("id") if isinstance(audio, dict) else None
        )
        return utterance("assistant", text, content, name=name, is_storable=is_storable)
    if role in {"tool", "function"}:
        content = tool_content(said.text, message.get("tool_call_id"))
        return utterance("tool", said.text, content, name=name, is_storable=is_storable)
    if role in SYSTEM_ROLES:
        can_hold = bool(message.get("content"))
        return utterance(
            SYSTEM_ROLES[role], said.text, None, name=name, is_storable=is_storable, can_hold_block=can_hold
        )
    return utterance("tool", said.text, None, name=name, is_storable=False)


def _refusal(message: dict[str, object]) -> str:
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def _insert(body: JsonDocument, element: Element, text: str, *, is_first: bool = False) -> list[Edit]:
    place = content_member(body, element)
    return insert_text(body, place, text, "text", is_first=is_first) if place else []


def _profile_place(elements: tuple[Element, ...]) -> Element | None:
    """The last of the system and developer messages that open the conversation."""
    place = None
    for element in elements:
        if not isinstance(element.value, dict) or element.value.get("role") not in SYSTEM_ROLES:
            break
        place = element
    return place


def _is_side_call(utterances: list[Utterance], target: int | None) -> bool:
    system = next((found.text for found in utterances if found.role in SYSTEM_ROLES), "")
    return is_side_prompt(system, "" if target is None else utterances[target].text)


def _wants_structure(body: JsonDocument) -> bool:
    response_format = body.get("response_format")
    if isinstance(response_format, dict) and response_format.get("type") not in {None, "text"}:
        return True
    return any(body.get(key) is not None for key in _GUIDES)
