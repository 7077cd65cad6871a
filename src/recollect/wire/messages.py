"""The dialect of ``/messages``: Anthropic's own, which its SDKs and Claude Code speak."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from recollect.errors import InvalidRequestError
from recollect.wire.content import assistant_content, read_content, tool_content
from recollect.wire.json_document import Edit, json_string
from recollect.wire.message_blocks import TOOL_RESULT, has_words, kind_of, read_assistant, read_result, read_user
from recollect.wire.prompt import Prompt
from recollect.wire.reply_messages import MessagesReplyReader
from recollect.wire.side_calls import is_marked_side_call, is_side_prompt, is_warm_up
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
    utterance,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recollect.domain.controls import Controls
    from recollect.wire.json_document import Element, JsonDocument, Member
    from recollect.wire.prompt import PromptEdit, ReplyReader, Utterance

SIDE_CALL_TOKENS = 1
"""Who asks for no more than this wants no answer: a check of the quota, a count of tokens, a warmed cache."""
MAX_USER_CHARS = 512
_SESSION_ID = re.compile(r"_session_[0-9a-f-]{8,}|^\s*\{")
"""How Claude Code fills ``metadata.user_id``: with the device, the account and the session, also as JSON."""


class _Turn(NamedTuple):
    """What becomes one utterance: ``system``, a message, or one tool result of a user's message."""

    role: str
    where: str
    element: Element | None = None
    place: Member | None = None
    result: dict[str, object] | None = None


class Messages:
    """Messages of the two sides, content as string or blocks, ``system`` beside them."""

    name = "messages"

    def read(self, body: JsonDocument) -> Prompt:
        """``system`` is one utterance, each tool result is one, and so is the rest of each message.

        An assistant's words at the end are the beginning of the reply (a prefill): no message of their own.
        """
        utterances: list[Utterance] = []
        words: list[bool] = []
        prefill: Utterance | None = None
        for turn in _turns(body):
            found, said_words, prefill = _read_turn(turn)
            utterances.append(found)
            words.append(said_words)
        spoken = utterances[:-1] if prefill else utterances
        if prefill:
            utterances[-1] = prefill
        target = find_target(utterances, words)
        model = body.get("model")
        return Prompt(
            dialect=self.name,
            model=model if isinstance(model, str) else None,
            is_streamed=body.get("stream") is True,
            utterances=tuple(utterances),
            target=target,
            ends_with_user=ends_with_user(spoken),
            wants_structure=_wants_structure(body),
            is_side_call=_is_side_call(body, utterances, target),
        )

    def edit(self, body: JsonDocument, edit: PromptEdit) -> bytes:
        """A block goes before the last of the user's own text blocks, whatever ``cache_control`` marks.

        What a client marks before its question (a document, say) then stays the same for every question, and the
        place is the same when the client moves its marks on with the conversation. For that, too, a string becomes two
        blocks of text: clients write the newest message as blocks, to mark it, and the older ones as strings.
        """
        edits = own_field_edits(body) + model_edits(body, edit.model) + memory_flag_edits(body, _elements)
        if edit.blocks or edit.profile:
            turns = tuple(_turns(body))
            for index, block in edit.blocks.items():
                if 0 <= index < len(turns) and turns[index].role == "user":
                    edits += _insert(body, turns[index], block)
            system = body.member("system")
            if edit.profile and system is not None:
                edits += insert_text(body, system, edit.profile, "text")
        return body.splice(edits)

    def reply_reader(self, *, is_streamed: bool) -> ReplyReader:
        """A reader for one reply."""
        return MessagesReplyReader(is_streamed=is_streamed)


MESSAGES = Messages()


def with_metadata(controls: Controls, body: JsonDocument) -> Controls:
    """The controls with Anthropic's ``metadata.user_id`` as the user, where nothing else names one.

    Not what Claude Code writes there, which is no name of a user. It is not kept as metadata of the messages.
    """
    if "user_id" not in controls.metadata:
        return controls
    others = {name: value for name, value in controls.metadata.items() if name != "user_id"}
    given = body.get("metadata")
    user = given.get("user_id") if isinstance(given, dict) else None
    is_name = isinstance(user, str) and user.isprintable() and len(user) <= MAX_USER_CHARS
    if controls.user is None and isinstance(user, str) and is_name and user.strip() and not _SESSION_ID.search(user):
        return replace(controls, metadata=others, user=user.strip())
    return replace(controls, metadata=others)


def _elements(body: JsonDocument) -> tuple[Element, ...]:
    place = body.member("messages")
    if place is None or place.value is None:
        return ()
    if not isinstance(place.value, list):
        message = "messages must be an array of message objects."
        raise InvalidRequestError(message, param="messages", code="invalid_type")
    return body.elements(place.value_start)


def _turns(body: JsonDocument) -> Iterator[_Turn]:
    system = body.member("system")
    if system is not None and system.value:
        yield _Turn("system", "system", place=system)
    for index, element in enumerate(_elements(body)):
        where = f"messages[{index}]"
        role = _role(element.value, where)
        content = element.value.get("content") if isinstance(element.value, dict) else None
        blocks = content if role == "user" and isinstance(content, list) else []
        results = [block for block in blocks if kind_of(block) == TOOL_RESULT]
        for block in results:
            yield _Turn("tool", where, element, result=block)
        if not results or _says_more(blocks):
            yield _Turn(role, where, element)


def _says_more(blocks: Sequence[object]) -> bool:
    """Beside the tool results, the user said something."""
    others = [block for block in blocks if kind_of(block) != TOOL_RESULT]
    return any(has_words(block) or kind_of(block) != "text" for block in others)


def _role(message: object, where: str) -> str:
    if not isinstance(message, dict):
        text = f"{where} must be an object."
        raise InvalidRequestError(text, param=where, code="invalid_type")
    role = message.get("role")
    if not isinstance(role, str):
        text = f"{where}.role must be a string."
        raise InvalidRequestError(text, param=f"{where}.role", code="invalid_type")
    return role


def _read_turn(turn: _Turn) -> tuple[Utterance, bool, Utterance | None]:
    """The utterance, whether it has words, and what it is instead where it turns out to be the last."""
    message = turn.element.value if turn.element is not None else None
    if turn.place is not None or not isinstance(message, dict):
        said = read_content(turn.place.value if turn.place else None, turn.where)
        return utterance("system", said.text, None, can_hold_block=True), said.has_words, None
    where = f"{turn.where}.content"
    is_storable = is_kept(message, turn.where)
    if turn.result is not None:
        text = read_result(turn.result)
        content = tool_content(text, turn.result.get("tool_use_id"))
        return utterance("tool", text, content, is_storable=is_storable), bool(text), None
    if turn.role == "assistant":
        answer = read_assistant(message.get("content"), where)
        content_json = assistant_content(answer.text, answer.calls)
        found = utterance("assistant", answer.text, content_json, is_storable=is_storable)
        return found, bool(answer.text), replace(found, is_storable=False) if answer.is_text_alone else None
    if turn.role == "user":
        words = read_user(message.get("content"), where)
        found = utterance(
            "user",
            words.text,
            words.content,
            is_storable=is_storable and bool(words.text.strip()),
            can_hold_block=words.has_words,
        )
        return found, words.has_words, None
    other = read_content(message.get("content"), where)
    role = SYSTEM_ROLES.get(turn.role, "tool")
    found = utterance(role, other.text, None, is_storable=is_storable and role != "tool")
    return found, other.has_words, None


def _insert(body: JsonDocument, turn: _Turn, text: str) -> list[Edit]:
    place = content_member(body, turn.element) if turn.element is not None else None
    if place is None or not place.value:
        return []
    block = f'{{"type":"text","text":{json_string(text)}}},'
    if isinstance(place.value, str):
        start, end = place.value_start, place.value_end
        return [Edit(start, start, f'[{block}{{"type":"text","text":'), Edit(end, end, "}]")]
    for element in reversed(body.elements(place.value_start)):
        if has_words(element.value):
            return [Edit(element.start, element.start, block)]
    return []


def _wants_structure(body: JsonDocument) -> bool:
    config = body.get("output_config")
    return body.get("output_format") is not None or (isinstance(config, dict) and config.get("format") is not None)


def _is_side_call(body: JsonDocument, utterances: Sequence[Utterance], target: int | None) -> bool:
    """Claude Code writes its templates behind blocks of its own, so each block of ``system`` is looked at."""
    max_tokens = body.get("max_tokens")
    if is_marked_side_call(body.values) or (isinstance(max_tokens, int) and max_tokens <= SIDE_CALL_TOKENS):
        return True
    system = body.get("system")
    heads = [block.get("text") for block in system if isinstance(block, dict)] if isinstance(system, list) else [system]
    user = "" if target is None else utterances[target].text
    is_first = sum(found.role == "user" for found in utterances) == 1
    return (
        is_side_prompt("", user)
        or (is_first and is_warm_up(user))
        or any(is_side_prompt(head, "") for head in heads if isinstance(head, str))
    )
