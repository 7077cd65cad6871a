"""The answer as a JSON schema, in the part of the language that strict endpoints take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.memories import Attribute, Change
from recollect.extractors.llm.prompt import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}


def answer_format(form: Form) -> Mapping[str, object] | None:
    """The ``response_format`` of a chat completion; None where lines are asked for."""
    if form is Form.LINES:
        return None
    if form is Form.OBJECT:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "notes", "strict": True, "schema": _notes()}}


def _notes() -> dict[str, object]:
    change = {"type": "string", "enum": [one.value for one in Change]}
    span = {"change": change, "from": _TEXT, "to": _TEXT}
    quote = {"message": _NUMBER, "quote": _TEXT}
    attribute = {"type": "string", "enum": [one.value for one in Attribute]}
    fact = {"subject": _TEXT, "attribute": attribute, "value": _TEXT, **span, "category": _TEXT, **quote}
    entity = {"name": _TEXT, "aliases": _list(_TEXT), "messages": _list(_NUMBER)}
    relation = {"subject": _TEXT, "relation": _TEXT, "object": _TEXT, **span, **quote}
    summary = {"short": _TEXT, "long": _TEXT, "quotes": _list(_object(quote))}
    return _object(
        {
            "reasoning": _TEXT,
            "facts": _list(_object(fact)),
            "entities": _list(_object(entity)),
            "relations": _list(_object(relation)),
            "summary": _object(summary),
        }
    )


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}
