"""A JSON object that remembers where everything stands in the bytes it was read from.

A gateway that re-encodes a body changes number forms, escapes, key order and duplicate keys. Here the text is
kept, values are read beside it, and changes are spliced in: what is not touched stays byte for byte. Places are
looked for when they are needed: a request without memory needs that of its model at most.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import orjson

from recollect.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    _Scan = Callable[[str, int], tuple[object, int]]

_BYTE_ORDER_MARK = "\ufeff"
_escaped_letter = re.compile(r"\\u00").search
"""How a letter of ASCII can be written without being there."""
_SPANNED_KEYS = frozenset({"messages", "input"})
"""Arrays whose elements' places are noted while parsing, because dialects always need them."""


class Member(NamedTuple):
    """One ``"key": value`` of an object. ``start`` is the key's opening quote; offsets are in characters."""

    key: str
    value: object
    start: int
    value_start: int
    value_end: int


class Element(NamedTuple):
    """One element of an array, and where it stands."""

    value: object
    start: int
    end: int


class Edit(NamedTuple):
    """Replace the characters from ``start`` to ``end`` (equal: insert there) by ``text``."""

    start: int
    end: int
    text: str


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not a JSON value"
    raise ValueError(message)


_space = re.compile(r"[ \t\n\r]*")
_SPACES = frozenset(" \t\n\r")
_plain_key = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*').match
_after_member = re.compile(r"[ \t\n\r]*([,}])[ \t\n\r]*").match
_after_element = re.compile(r"[ \t\n\r]*([,\]])[ \t\n\r]*").match
_scan_exact: _Scan = json.JSONDecoder(parse_constant=_refuse_constant).scan_once  # type: ignore[attr-defined]
_scan_huge_numbers: _Scan = json.JSONDecoder(  # type: ignore[attr-defined]
    parse_int=float, parse_constant=_refuse_constant
).scan_once
_lone_surrogates = re.compile("[\ud800-\udfff]")


def without_lone_surrogates(text: str) -> str:
    """The text with lone surrogates, which no encoding can carry, replaced by U+FFFD."""
    return text if text.isascii() else _lone_surrogates.sub("\ufffd", text)


def json_string(text: str) -> str:
    """The text as a JSON string literal; the same literal for the same text, non-ASCII left as it is."""
    return str(encode_basestring(without_lone_surrogates(text)))


def cut_members(members: Sequence[Member], keys: Collection[str]) -> list[Edit]:
    """The edits that take every member with one of ``keys`` out of an object, commas included."""
    edits: list[Edit] = []
    index, count = 0, len(members)
    while index < count:
        if members[index].key not in keys:
            index += 1
            continue
        first = index
        while index < count and members[index].key in keys:
            index += 1
        if index < count:
            edits.append(Edit(members[first].start, members[index].start, ""))
        else:
            start = members[first - 1].value_end if first else members[0].start
            edits.append(Edit(start, members[-1].value_end, ""))
    return edits


class JsonDocument:
    """A JSON object: its values, and once somebody asks for them, its members in order with their places."""

    __slots__ = ("_elements", "_has_escapes", "_members", "_text", "body", "values")

    def __init__(self, body: bytes, values: dict[str, object]) -> None:
        """Use :meth:`parse`."""
        self.body = body
        self.values = values
        """The members as a dict; of duplicate keys the last counts, as for every provider."""
        self._text: str | None = None
        self._has_escapes: bool | None = None
        self._members: tuple[Member, ...] | None = None
        self._elements: dict[int, tuple[Element, ...]] = {}

    @classmethod
    def parse(cls, body: bytes) -> JsonDocument:
        """Read a body. InvalidRequestError (``invalid_json``) says where it is not one JSON object in UTF-8."""
        try:
            values = orjson.loads(body)
        except orjson.JSONDecodeError:
            values = None  # it is stricter than providers are, as with lone surrogates, and does not say what we say
        return cls(body, values) if isinstance(values, dict) else cls.parse_exactly(body)

    @classmethod
    def parse_exactly(cls, body: bytes) -> JsonDocument:
        """The same with integers of any size, which :meth:`parse` may read as floats beyond 64 bits."""
        document = cls(body, {})
        document.values = document.exact_values
        return document

    @property
    def text(self) -> str:
        """The body, decoded."""
        if self._text is None:
            self._text = self.body.decode()
        return self._text

    @property
    def members(self) -> tuple[Member, ...]:
        """The members in order. InvalidRequestError (``invalid_json``) where Python cannot read what was accepted."""
        if self._members is None:
            self._members = self._scanned()
        return self._members

    @property
    def exact_values(self) -> dict[str, object]:
        """``values`` as :meth:`parse_exactly` reads them."""
        return {member.key: member.value for member in self.members}

    def _scanned(self) -> tuple[Member, ...]:
        try:
            return _scan_object(self.text, self._elements)
        except UnicodeDecodeError as error:
            message = f"The body is not valid UTF-8 (byte {error.start})."
        except json.JSONDecodeError as error:
            message = f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        except ValueError as error:
            message = f"The body is not valid JSON: {error}."
        except RecursionError:
            message = "The body is nested too deeply."
        raise InvalidRequestError(message, code="invalid_json")

    def get(self, key: str) -> object:
        """The value of a top-level member, None where it is absent or null."""
        return self.values.get(key)

    def member(self, key: str) -> Member | None:
        """The member with that key (the last of duplicates)."""
        return next(reversed(self.named(key)), None)

    def named(self, key: str) -> Sequence[Member]:
        """Every member with that key, in order."""
        if key not in self.values:
            return ()
        alone = self._alone(key) if self._members is None else None
        return [member for member in self.members if member.key == key] if alone is None else (alone,)

    def may_hold(self, key: str) -> bool:
        """Whether any object in the body can have that key: False is certain."""
        return f'"{key}"' in self.text or self._may_spell

    def _alone(self, key: str) -> Member | None:
        """The member with a key that is there, without looking at the others: where its name stands nowhere else in
        the text, and nothing is written in escapes that may spell it."""
        text, name = self.text, f'"{key}"'
        start = text.find(name)
        if start < 0 or self._may_spell or text.find(name, start + 1) >= 0:
            return None
        place = _plain_key(text, start)
        if place is None or key in _SPANNED_KEYS:
            return None
        value_start = place.end()
        value, end = _scan_value(text, value_start)
        return Member(key, value, start, value_start, end)

    @property
    def _may_spell(self) -> bool:
        """Whether anything is written in escapes that could be a key."""
        if self._has_escapes is None:
            self._has_escapes = "\\" in self.text and _escaped_letter(self.text) is not None
        return self._has_escapes

    def elements(self, start: int) -> tuple[Element, ...]:
        """The elements of the array that starts there."""
        found = self._elements.get(start)
        if found is None:
            found = self._elements[start] = tuple(_scan_elements(self.text, start)[0])
        return found

    def members_at(self, start: int) -> tuple[Member, ...]:
        """The members of the object that starts there."""
        return tuple(_scan_members(self.text, start, {})[0])

    def splice(self, edits: Sequence[Edit]) -> bytes:
        """The bytes with the edits applied, which must not overlap; insertions at one place keep their order.

        Without edits, the very bytes object that was parsed.
        """
        if not edits:
            return self.body
        text = self.text
        if len(edits) > 1:
            edits = sorted(edits, key=lambda edit: (edit.start, edit.end))
        pieces: list[str] = []
        position = 0
        for start, end, replacement in edits:
            if start < position:
                message = "edits overlap"
                raise ValueError(message)
            pieces += (text[position:start], replacement)
            position = end
        pieces.append(text[position:])
        return "".join(pieces).encode()


def _scan_object(text: str, elements: dict[int, tuple[Element, ...]]) -> tuple[Member, ...]:
    start = _after_space(text, 1 if text.startswith(_BYTE_ORDER_MARK) else 0)
    if text[start : start + 1] != "{":
        _scan_value(text, start)
        message = "The body must be a JSON object."
        raise InvalidRequestError(message, code="invalid_json")
    members, end = _scan_members(text, start, elements)
    end = _after_space(text, end)
    if end != len(text):
        raise _syntax_error(text, end, "Extra data")
    return tuple(members)


def _syntax_error(text: str, position: int, problem: str) -> json.JSONDecodeError:
    return json.JSONDecodeError(problem, text, position)


def _after_space(text: str, start: int) -> int:
    if text[start : start + 1] not in _SPACES:
        return start
    match = _space.match(text, start)
    return match.end() if match else start


def _scan_value(text: str, start: int) -> tuple[object, int]:
    try:
        return _scan_exact(text, start)
    except StopIteration as stop:
        raise _syntax_error(text, stop.value, "Expecting value") from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer longer than int() takes: its value is of no use to us, its text is kept
        try:
            return _scan_huge_numbers(text, start)
        except StopIteration as stop:
            raise _syntax_error(text, stop.value, "Expecting value") from None


def _scan_members(text: str, start: int, elements: dict[int, tuple[Element, ...]]) -> tuple[list[Member], int]:
    members: list[Member] = []
    position = _after_space(text, start + 1)
    if text[position : position + 1] == "}":
        return members, position + 1
    while True:
        key, value_start = _scan_key(text, position)
        value: object
        if key in _SPANNED_KEYS and _is_array_of_objects(text, value_start):
            found, value_end = _scan_elements(text, value_start)
            elements[value_start] = tuple(found)
            value = [element.value for element in found]
        else:
            value, value_end = _scan_value(text, value_start)
        members.append(Member(key, value, position, value_start, value_end))
        follows = _after_member(text, value_end)
        if follows is None:
            raise _syntax_error(text, _after_space(text, value_end), "Expecting ',' delimiter")
        position = follows.end()
        if follows[1] == "}":
            return members, follows.end(1)


def _scan_key(text: str, position: int) -> tuple[str, int]:
    """The key that begins there, and where its value does."""
    plain = _plain_key(text, position)
    if plain is not None:
        return plain[1], plain.end()
    if text[position : position + 1] != '"':
        raise _syntax_error(text, position, "Expecting property name enclosed in double quotes")
    key, end = scanstring(text, position + 1, True)  # noqa: FBT003 - the C function takes no keywords
    end = _after_space(text, end)
    if text[end : end + 1] != ":":
        raise _syntax_error(text, end, "Expecting ':' delimiter")
    return key, _after_space(text, end + 1)


def _is_array_of_objects(text: str, start: int) -> bool:
    if text[start : start + 1] != "[":
        return False
    first = _after_space(text, start + 1)
    return text[first : first + 1] == "{"


def _scan_elements(text: str, start: int) -> tuple[list[Element], int]:
    elements: list[Element] = []
    position = _after_space(text, start + 1)
    if text[position : position + 1] == "]":
        return elements, position + 1
    while True:
        value, end = _scan_value(text, position)
        elements.append(Element(value, position, end))
        follows = _after_element(text, end)
        if follows is None:
            raise _syntax_error(text, _after_space(text, end), "Expecting ',' delimiter")
        position = follows.end()
        if follows[1] == "]":
            return elements, follows.end(1)
