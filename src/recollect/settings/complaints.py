"""What a validator found wrong, in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_PHRASES = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must have at least {min_length} element(s)",
    "too_long": "must have at most {max_length} elements",
    "dict_type": "must be a table of names and values",
    "model_type": "must be a table of names and values",
    "model_attributes_type": "must be a table of names and values",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "path_type": "must be a path",
    "value_error": "{error}",
}


def complaint(error: ErrorDetails) -> str:
    """What is wrong as a clause that follows the field's name: ``must be at least 1``."""
    context: Mapping[str, object] = error.get("ctx", {})
    phrase = _PHRASES.get(error["type"])
    if phrase is None:
        return f"is not valid ({error['msg']})"
    return phrase.format_map(dict(context))


def location(error: ErrorDetails) -> str:
    """Where, as callers spell it: ``messages[2].role``."""
    text = ""
    for step in error["loc"]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
