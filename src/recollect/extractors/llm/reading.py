"""From a model's words to the parts of its answer, whatever stands around them. Nothing is believed yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LISTS = ("facts", "entities", "relations")
_FIELDS = {
    "FACT": ("subject", "attribute", "value", "change", "from", "to", "category", "message", "quote"),
    "RELATION": ("subject", "relation", "object", "change", "from", "to", "message", "quote"),
    "ENTITY": ("name", "aliases", "messages"),
    "QUOTE": ("message", "quote"),
}
_fence = re.compile(r"```(?:json|text)?\s*\n?(.*?)```", re.DOTALL | re.IGNORECASE)
_thoughts = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


class UnreadableError(ValueError):
    """The answer is not in the form that was asked for; the message says what is wrong, in words for the model."""


@dataclass(frozen=True, slots=True)
class Notes:
    """The parts of an answer, as the model wrote them."""

    facts: Sequence[Any]
    entities: Sequence[Any]
    relations: Sequence[Any]
    summary: Mapping[str, Any]


def read_notes(text: str, *, is_cut: bool = False) -> Notes:
    """The notes in an answer: JSON, bare or fenced, or tagged lines. UnreadableError where it is neither, or breaks
    off."""
    if is_cut:
        what = "it was cut off because it was too long"
        raise UnreadableError(what)
    plain = _thoughts.sub("", text).strip()
    fenced = _fence.search(plain)
    inner = fenced[1].strip() if fenced else plain
    if inner.startswith("{") or "{" in inner.partition("\n")[0]:
        return _from_json(inner)
    if re.search(r"^END\b", inner, re.MULTILINE):
        return _from_lines(inner)
    if "{" in inner:
        return _from_json(inner)
    what = "it is neither a JSON object nor lines that end with END"
    raise UnreadableError(what)


def _from_json(text: str) -> Notes:
    start, end = text.find("{"), text.rfind("}")
    if end < start:
        what = "the JSON object is not complete"
        raise UnreadableError(what)
    try:
        found = orjson.loads(text[start : end + 1])
    except ValueError:
        what = "it is not valid JSON, or not complete"
        raise UnreadableError(what) from None
    if not isinstance(found, dict) or not any(name in found for name in (*_LISTS, "summary")):
        what = "the JSON object lacks `facts`, `entities`, `relations` and `summary`"
        raise UnreadableError(what)
    lists = {name: found.get(name) or [] for name in _LISTS}
    for name, value in lists.items():
        if not isinstance(value, list):
            what = f"`{name}` is not a list"
            raise UnreadableError(what)
    summary = found.get("summary") or {}
    if isinstance(summary, str):
        summary = {"short": summary}
    if not isinstance(summary, dict):
        what = "`summary` is not an object"
        raise UnreadableError(what)
    return Notes(**lists, summary=summary)


def _from_lines(text: str) -> Notes:
    found: dict[str, list[dict[str, Any]]] = {tag: [] for tag in _FIELDS}
    summary: dict[str, Any] = {}
    for line in text.splitlines():
        tag, bar, rest = line.strip().partition("|")
        tag = tag.strip().upper()
        if bar and tag in _FIELDS:
            found[tag].append(_fields(tag, rest))
        elif bar and tag in {"SHORT", "LONG"}:
            summary[tag.lower()] = rest.strip()
    summary["quotes"] = found["QUOTE"]
    return Notes(found["FACT"], found["ENTITY"], found["RELATION"], summary)


def _fields(tag: str, rest: str) -> dict[str, Any]:
    """The last field may hold bars; what is missing is missing."""
    names = _FIELDS[tag]
    values: list[Any] = [value.strip() for value in rest.split("|", len(names) - 1)]
    fields: dict[str, Any] = dict(zip(names, values, strict=False))
    if "quote" in fields:
        fields["quote"] = _unquoted(fields["quote"])
    for name in ("aliases", "messages"):
        if name in fields:
            fields[name] = [one.strip() for one in fields[name].split(";") if one.strip()]
    return fields


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
