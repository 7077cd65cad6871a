"""Where the keys of a TOML document stand, which Python's parser does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.settings.names import around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recollect.settings.names import Name

_space = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_blank = re.compile(r"[ \t]*")
_part = re.compile(r"""[ \t]*([A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*""")
_text = re.compile(r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL)
_scalar = re.compile(r"[^,\]}#\n]+")


@dataclass(slots=True)
class TomlLines:
    """Lines by name, from 1; and what was given twice: its name, its first line and the other one."""

    lines: dict[Name, int] = field(default_factory=dict)
    repeated: list[tuple[Name, int, int]] = field(default_factory=list)


def toml_lines(text: str) -> TomlLines:
    """The lines of every key, table and element of a list; in a document that is no TOML, as far as it is."""
    scanner = _Scanner(text)
    with suppress(_NotTomlError):
        scanner.run()
    scanner.found.lines = {**scanner.implied, **scanner.found.lines}
    return scanner.found


class _NotTomlError(Exception):
    """From here on it cannot be read."""


class _Scanner:
    """Reads a document from its beginning to its end, once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lists: dict[Name, int] = {}
        self.implied: dict[Name, int] = {}
        self.found = TomlLines()

    def run(self) -> None:
        table: Name = ()
        while self._skip_space() < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Name:
        line = self._line()
        is_list = self._text.startswith("[[", self._at)
        self._at += 2 if is_list else 1
        name = self._placed(tuple(self._key()), is_list=is_list)
        self._expect("]]" if is_list else "]")
        self._note(name, line)
        return name

    def _placed(self, key: tuple[str, ...], *, is_list: bool) -> Name:
        """A header's name, with the element that it belongs to where a step is a list of tables."""
        name: Name = ()
        for place, step in enumerate(key, start=1):
            name = (*name, step)
            if is_list and place == len(key):
                self._lists[name] = self._lists.get(name, 0) + 1
            if name in self._lists:
                name = (*name, self._lists[name] - 1)
        return name

    def _pair(self, table: Name) -> None:
        line = self._line()
        name = (*table, *self._key())
        self._expect("=")
        self._note(name, line)
        self._value(name)

    def _value(self, name: Name) -> None:
        self._take(_blank)
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._elements(name)
        elif opening == "{":
            self._members(name)
        else:
            self._take(_text if opening in {'"', "'"} else _scalar)

    def _elements(self, name: Name) -> None:
        for place in self._until("]"):
            self._note((*name, place), self._line())
            self._value((*name, place))

    def _members(self, name: Name) -> None:
        for _ in self._until("}"):
            self._pair(name)

    def _until(self, closing: str) -> Iterator[int]:
        """The places between an opening bracket and the closing one, with commas between them."""
        self._at += 1
        place = 0
        while not self._text.startswith(closing, self._skip_space()):
            if place:
                self._expect(",")
                if self._text.startswith(closing, self._skip_space()):
                    break
            yield place
            place += 1
        self._at += 1

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            raw = self._take(_part)[1]
            parts.append(_unquoted(raw) if raw[0] in "\"'" else raw)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _note(self, name: Name, line: int) -> None:
        for table in list(around(name))[1:]:
            self.implied.setdefault(table, line)
        if name in self.found.lines:
            self.found.repeated.append((name, self.found.lines[name], line))
        else:
            self.found.lines[name] = line

    def _line(self) -> int:
        return bisect_right(self._starts, self._at)

    def _skip_space(self) -> int:
        self._take(_space)
        return self._at

    def _expect(self, text: str) -> None:
        self._take(_blank)
        if not self._text.startswith(text, self._at):
            raise _NotTomlError
        self._at += len(text)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _NotTomlError
        self._at = match.end()
        return match


def _unquoted(raw: str) -> str:
    try:
        return str(tomllib.loads(f"k = {raw}")["k"])
    except tomllib.TOMLDecodeError as error:
        raise _NotTomlError from error
