"""What a body says of a memory, parsed and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.ids import parse_message_id
from recollect.domain.memories import Attribute
from recollect.domain.statements import Pointer
from recollect.errors import NotFoundError
from recollect.server.call import missing, refused

if TYPE_CHECKING:
    from recollect.domain.statements import StatementChanges
    from recollect.server.call import Call

WORDS = frozenset({"value", "subject", "attribute", "category", "valid_from", "valid_to", "text", "sources"})
MOST_CHARACTERS = 4000
MOST_SOURCES = 50


def statement_changes(call: Call) -> StatementChanges:
    """What the body says of a memory; a field that is missing says nothing."""
    fields, given = call.fields, call.fields.document.values
    changes: StatementChanges = {}
    if fields.has("value"):
        changes["value"] = _line(call, "value")
    if fields.has("text"):
        changes["text"] = _line(call, "text")
    if fields.has("subject"):
        changes["subject"] = _line(call, "subject", most=200)
    attribute = fields.choice("attribute", Attribute, code="invalid_attribute")
    if attribute is not None:
        changes["attribute"] = attribute
    if "category" in given:
        changes["category"] = _line(call, "category", most=200) if fields.has("category") else ""
    if "valid_from" in given:
        changes["valid_from"] = fields.time("valid_from")
    if "valid_to" in given:
        changes["valid_to"] = fields.time("valid_to")
    if fields.has("sources"):
        changes["sources"] = _sources(fields.document.get("sources"))
    return changes


def _line(call: Call, name: str, *, most: int = MOST_CHARACTERS) -> str:
    """Text in one line, as memories are told."""
    return " ".join((call.fields.optional_text(name, most=most) or "").split())


def _sources(given: object) -> tuple[Pointer, ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_SOURCES:
        raise refused(param="sources", expected=f"a list of 1 to {MOST_SOURCES} sources", code="invalid_type")
    return tuple(_pointer(one, f"sources[{place}]") for place, one in enumerate(given))


def _pointer(given: object, where: str) -> Pointer:
    if not isinstance(given, dict):
        raise refused(param=where, expected="an object with `message_id` and `quote`", code="invalid_type")
    text, quote = given.get("message_id"), given.get("quote")
    if not isinstance(text, str):
        raise missing(param=f"{where}.message_id")
    if quote is not None and (not isinstance(quote, str) or not quote.strip()):
        raise refused(param=f"{where}.quote", expected="text that is not blank", code="invalid_type")
    message = parse_message_id(text.partition(":")[0])
    if message is None:
        problem = f"There is no message {text!r} in this vault."
        raise NotFoundError(problem, code="memory_not_found", param=f"{where}.message_id")
    return Pointer(message, quote)
