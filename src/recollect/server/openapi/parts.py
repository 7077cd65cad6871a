"""What JSON schemas are made of."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def text(description: str = "", **more: object) -> Schema:
    """A string."""
    return {"type": "string", **({"description": description} if description else {}), **more}


def whole(description: str = "", **more: object) -> Schema:
    """An integer."""
    return {"type": "integer", **({"description": description} if description else {}), **more}


def number(description: str = "", **more: object) -> Schema:
    """A number."""
    return {"type": "number", **({"description": description} if description else {}), **more}


def flag(description: str = "", **more: object) -> Schema:
    """A boolean."""
    return {"type": "boolean", **({"description": description} if description else {}), **more}


def moment(description: str = "") -> Schema:
    """A time."""
    return text(description or "RFC 3339", format="date-time")


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def array(items: Schema, description: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def choice(*values: str, **more: object) -> Schema:
    """One of these strings."""
    return {"type": "string", "enum": list(values), **more}


def free(description: str = "") -> Schema:
    """Any object."""
    return {"type": "object", "additionalProperties": True, **({"description": description} if description else {})}


def record(properties: dict[str, Schema], *required: str, description: str = "", is_open: bool = True) -> Schema:
    """An object with these members. ``is_open``: others may come."""
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if not is_open:
        schema["additionalProperties"] = False
    if description:
        schema["description"] = description
    return schema


def ref(name: str) -> Schema:
    """One of :func:`components`, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page(of: str) -> Schema:
    """A page of a list."""
    return record(
        {
            "object": choice("list"),
            "data": array(ref(of)),
            "first_id": nullable(text()),
            "last_id": nullable(text("go on with `after` = this")),
            "has_more": flag(),
        },
        "object",
        "data",
        "has_more",
    )
