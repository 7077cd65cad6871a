"""The dialect of ``/responses``, also of the frames of its WebSocket mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from recollect.errors import InvalidRequestError
from recollect.wire.content import ToolCall, argument_text, assistant_content, read_content, text_of, tool_content
from recollect.wire.prompt import Prompt
from recollect.wire.reply_responses import ResponsesReplyReader
from recollect.wire.side_calls import is_marked_side_call, is_side_prompt
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
    from collections.abc import Iterator

    from recollect.wire.json_document import Edit, Element, JsonDocument, Member
    from recollect.wire.prompt import PromptEdit, ReplyReader, Utterance

_OUTPUT_SUFFIX = "_output"
_CALL_KINDS = frozenset({"function_call", "custom_tool_call"})
_COMPACTION = "compaction_trigger"


class _Turn(NamedTuple):
    """What becomes one utterance: ``instructions``, a string ``input``, one item, or a run of assistant items."""

    role: str
    items: tuple[tuple[int, Element], ...]
    place: Member | None = None


class Responses:
    """``input`` as a string or items, ``instructions``, and state that may live upstream."""

    name = "responses"

    def read(self, body: JsonDocument) -> Prompt:
        """``instructions`` are a system utterance.

        What an assistant said, called and thought in a row is one utterance, as it was one reply.
        """
        utterances: list[Utterance] = []
        words: list[bool] = []
        for turn in _turns(body):
            found, has_words = _read_turn(turn)
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
            continues=_continues(body),
            wants_structure=_wants_structure(body),
            is_side_call=_is_side_call(body, utterances, target),
        )

    def edit(self, body: JsonDocument, edit: PromptEdit) -> bytes:
        """A block goes before the words of its utterance, so that the user's own words are the last ones.

        Utterances that cannot hold a block are left alone.
        """
        edits = own_field_edits(body) + model_edits(body, edit.model) + memory_flag_edits(body, _items)
        if edit.blocks or edit.profile:
            turns = tuple(_turns(body))
            for index, block in edit.blocks.items():
                if 0 <= index < len(turns):
                    edits += _insert(body, turns[index], block, is_first=True)
            profile_turn = _profile_turn(turns)
            if edit.profile and profile_turn:
                edits += _insert(body, profile_turn, edit.profile)
        return body.splice(edits)

    def reply_reader(self, *, is_streamed: bool) -> ReplyReader:
        """A reader for one reply."""
        return ResponsesReplyReader(is_streamed=is_streamed)


RESPONSES = Responses()


def _items(body: JsonDocument) -> tuple[Element, ...]:
    place = body.member("input")
    if place is None or place.value is None or isinstance(place.value, str):
        return ()
    if not isinstance(place.value, list):
        message = "input must be a string or an array of items."
        raise InvalidRequestError(message, param="input", code="invalid_type")
    return body.elements(place.value_start)


def _turns(body: JsonDocument) -> Iterator[_Turn]:
    instructions = body.member("instructions")
    if instructions is not None and isinstance(instructions.value, str):
        yield _Turn("system", (), instructions)
    place = body.member("input")
    if place is not None and isinstance(place.value, str):
        yield _Turn("user", (), place)
        return
    run: list[tuple[int, Element]] = []
    for index, element in enumerate(_items(body)):
        role = _item_role(element.value, index)
        if role == "assistant":
            run.append((index, element))
            continue
        if run:
            yield _Turn("assistant", tuple(run))
            run = []
        yield _Turn(role, ((index, element),))
    if run:
        yield _Turn("assistant", tuple(run))


def _item_role(item: object, index: int) -> str:
    """The role of an item; calls, reasoning and whatever else a model puts out belong to the assistant."""
    if not isinstance(item, dict):
        message = f"input[{index}] must be an object."
        raise InvalidRequestError(message, param=f"input[{index}]", code="invalid_type")
    kind = item.get("type", "message")
    role = item.get("role")
    if kind == "message":
        if not isinstance(role, str):
            message = f"input[{index}].role must be a string."
            raise InvalidRequestError(message, param=f"input[{index}].role", code="invalid_type")
        return role
    if isinstance(kind, str) and kind.endswith(_OUTPUT_SUFFIX):
        return "tool"
    return "assistant"


def _read_turn(turn: _Turn) -> tuple[Utterance, bool]:
    if turn.place is not None:
        return _read_string(turn.role, turn.place)
    if turn.role == "assistant":
        return _read_assistant(turn)
    index, element = turn.items[0]
    return _read_item(turn.role, cast("dict[str, object]", element.value), f"input[{index}]")


def _read_string(role: str, place: Member) -> tuple[Utterance, bool]:
    said = read_content(place.value, place.key)
    if role == "system":
        return utterance("system", said.text, None, can_hold_block=bool(said.text)), said.has_words
    found = user_utterance(said, place.value)
    return found, bool(found.text.strip())


def _read_item(role: str, item: dict[str, object], where: str) -> tuple[Utterance, bool]:
    is_storable = is_kept(item, where)
    if role == "tool":
        text = text_of(item.get("output")) if _has_text_output(item) else ""
        return utterance("tool", text, tool_content(text, item.get("call_id")), is_storable=is_storable), bool(text)
    content = item.get("content")
    said = read_content(content, f"{where}.content")
    if role == "user":
        found = user_utterance(said, content, is_storable=is_storable)
        return found, bool(found.text.strip()) and said.has_words
    if role in SYSTEM_ROLES:
        found = utterance(SYSTEM_ROLES[role], said.text, None, is_storable=is_storable, can_hold_block=bool(content))
        return found, said.has_words
    return utterance("tool", said.text, None, is_storable=False), said.has_words


def _has_text_output(item: dict[str, object]) -> bool:
    """Computer and shell calls put out objects and lists of their own kinds."""
    return item.get("type") in {"function_call_output", "custom_tool_call_output"}


def _read_assistant(turn: _Turn) -> tuple[Utterance, bool]:
    texts: list[str] = []
    calls: list[ToolCall] = []
    is_said = False
    is_excluded = False
    for index, element in turn.items:
        item = element.value
        if not isinstance(item, dict):
            continue
        where = f"input[{index}]"
        if item.get("type", "message") == "message":
            texts.append(read_content(item.get("content"), f"{where}.content").text)
        elif item.get("type") in _CALL_KINDS:
            calls.append(read_call(item))
        else:
            continue
        is_said = True
        is_excluded = is_excluded or not is_kept(item, where)
    text = "\n".join(text for text in texts if text)
    is_storable = is_said and not is_excluded
    return utterance("assistant", text, assistant_content(text, calls), is_storable=is_storable), bool(text)


def read_call(item: dict[str, object]) -> ToolCall:
    """A ``function_call`` or ``custom_tool_call`` item."""
    identifier = item.get("call_id")
    return ToolCall(
        identifier if isinstance(identifier, str) else None,
        str(item.get("name") or ""),
        argument_text(item.get("arguments", item.get("input"))),
    )


def _insert(body: JsonDocument, turn: _Turn, text: str, *, is_first: bool = False) -> list[Edit]:
    if turn.role not in {"user", "system", "developer"}:
        return []
    place = turn.place or content_member(body, turn.items[0][1])
    return insert_text(body, place, text, "input_text", is_first=is_first) if place else []


def _profile_turn(turns: tuple[_Turn, ...]) -> _Turn | None:
    """``instructions``, or else the last of the system and developer messages that open the conversation."""
    chosen = None
    for turn in turns:
        if turn.role not in SYSTEM_ROLES:
            break
        if turn.place is not None:
            return turn
        chosen = turn
    return chosen


def _continues(body: JsonDocument) -> str | None:
    previous = body.get("previous_response_id")
    conversation = body.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    return next((found for found in (previous, conversation) if isinstance(found, str) and found), None)


def _wants_structure(body: JsonDocument) -> bool:
    text = body.get("text")
    wanted = text.get("format") if isinstance(text, dict) else None
    return isinstance(wanted, dict) and wanted.get("type") not in {None, "text"}


def _is_side_call(body: JsonDocument, utterances: list[Utterance], target: int | None) -> bool:
    if is_marked_side_call(body.values):
        return True
    if any(isinstance(item.value, dict) and item.value.get("type") == _COMPACTION for item in _items(body)):
        return True
    system = next((found.text for found in utterances if found.role in SYSTEM_ROLES), "")
    return is_side_prompt(system, "" if target is None else utterances[target].text)
