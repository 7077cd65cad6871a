"""What the dialects share: from messages to utterances, from an edit to places in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from recollect.domain.messages import Role, fingerprint
from recollect.errors import InvalidRequestError
from recollect.wire.content import parts_content
from recollect.wire.headers import OWN_BODY_FIELDS
from recollect.wire.json_document import Edit, cut_members, json_string, without_lone_surrogates
from recollect.wire.memory_block import DISCLAIMER, SEPARATOR
from recollect.wire.prompt import Utterance
from recollect.wire.side_calls import strip_harness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recollect.wire.content import Said
    from recollect.wire.json_document import Element, JsonDocument, Member

SYSTEM_ROLES: Final[dict[str, Role]] = {"system": "system", "developer": "developer"}
MEMORY_FLAG = "memory"
"""``messages[].memory: false`` keeps one message out of the vault."""


def utterance(
    role: Role,
    text: str,
    content: str | None,
    *,
    name: object = None,
    is_storable: bool = True,
    can_hold_block: bool = False,
) -> Utterance:
    """An utterance with the fingerprint that its stored message has."""
    print_ = fingerprint(role, content or text)
    is_storable = is_storable and not (role == "assistant" and DISCLAIMER in text)
    known_name = without_lone_surrogates(name) if isinstance(name, str) else None
    return Utterance(role, text, content, print_, known_name, is_storable, can_hold_block)


def user_utterance(said: Said, content: object, *, name: object = None, is_storable: bool = True) -> Utterance:
    """A user's message, without the text that a harness put around the user's words."""
    text = strip_harness(said.text)
    is_harness = said.has_words and not said.has_other_parts and not text.strip()
    return utterance(
        "user",
        text,
        parts_content(content) if said.has_other_parts and isinstance(content, list) else None,
        name=name,
        is_storable=is_storable and not is_harness,
        can_hold_block=bool(content) and not is_harness,
    )


def is_kept(message: dict[str, object], where: str) -> bool:
    """``memory: false`` keeps a message out of the vault."""
    flag = message.get(MEMORY_FLAG)
    if flag is None or isinstance(flag, bool):
        return flag is not False
    param = f"{where}.{MEMORY_FLAG}"
    message_text = f"{param} must be true or false."
    raise InvalidRequestError(message_text, param=param, code="invalid_boolean")


def find_target(utterances: Sequence[Utterance], has_words: Sequence[bool]) -> int | None:
    """The last message that the user spoke; None where there is none, or it has no words (an image alone)."""
    for index in range(len(utterances) - 1, -1, -1):
        if utterances[index].role == "user" and not _is_harness(utterances[index]):
            return index if has_words[index] else None
    return None


def ends_with_user(utterances: Sequence[Utterance]) -> bool:
    """The user spoke last, harness text aside."""
    last = next((found for found in reversed(utterances) if not _is_harness(found)), None)
    return last is not None and last.role == "user"


def _is_harness(found: Utterance) -> bool:
    return found.role == "user" and not found.is_storable and not found.text.strip()


def own_field_edits(body: JsonDocument) -> list[Edit]:
    """The cuts that take our own top-level fields out."""
    if OWN_BODY_FIELDS.isdisjoint(body.values):
        return []
    return cut_members(body.members, OWN_BODY_FIELDS)


def memory_flag_edits(body: JsonDocument, elements_of: Callable[[JsonDocument], Sequence[Element]]) -> list[Edit]:
    """The cuts that take ``memory`` out of messages."""
    edits: list[Edit] = []
    if not body.may_hold(MEMORY_FLAG):
        return edits
    for element in elements_of(body):
        if isinstance(element.value, dict) and MEMORY_FLAG in element.value:
            edits += cut_members(body.members_at(element.start), {MEMORY_FLAG})
    return edits


def model_edits(body: JsonDocument, model: str | None) -> list[Edit]:
    """The model in the provider's own spelling."""
    if model is None or body.get("model") == model:
        return []
    return [Edit(m.value_start, m.value_end, json_string(model)) for m in body.named("model")]


def content_member(body: JsonDocument, element: Element) -> Member | None:
    """Where an element's ``content`` stands."""
    return next((member for member in reversed(body.members_at(element.start)) if member.key == "content"), None)


def insert_text(body: JsonDocument, place: Member, text: str, part_type: str, *, is_first: bool = False) -> list[Edit]:
    """Append text to a string, or as one more part to an array of parts (``is_first``: put it before them).

    Null and an empty array cannot hold it.
    """
    if not place.value:
        return []
    first, last = place.value_start + 1, place.value_end - 1
    if isinstance(place.value, str):
        literal = json_string(text + SEPARATOR if is_first else SEPARATOR + text)[1:-1]
        return [Edit(first, first, literal) if is_first else Edit(last, last, literal)]
    if not isinstance(place.value, list):
        return []
    part = f'{{"type":{json_string(part_type)},"text":{json_string(text)}}}'
    if is_first:
        return [Edit(first, first, f"{part},")]
    end = place.value_start + len(body.text[place.value_start : last].rstrip(" \t\n\r"))
    return [Edit(end, end, f",{part}")]
