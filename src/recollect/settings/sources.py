"""Where settings come from: file, environment and flags, in rising strength."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recollect.settings.environment import providers_of, settings_from_environment
from recollect.settings.names import Name, around, flattened
from recollect.settings.table import environment_name, settings_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.settings.files import SettingsFile

FLAGS = {"data_dir": "--data", "providers": "--provider", "allow_upstreams": "--allow-upstream"}
"""Those that are not called like their setting."""
_PATHS = ("data_dir", "store.path", "embedder.path", "embedder.cache_dir")
_ADDING_LISTS = frozenset({"allow_upstreams"})
"""Permissions add up over the sources; any other list is replaced by a stronger source."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What each source gives. ``given_in`` is what the flags are called where they are none."""

    file: SettingsFile | None = None
    environment: Mapping[str, object] = field(default_factory=dict)
    flags: Mapping[str, object] = field(default_factory=dict)
    given_in: str = ""

    def merged(self) -> dict[str, object]:
        """One table of all; relative paths of the file are relative to it."""
        merged: dict[str, object] = {}
        for source in (_absolute_paths(self.file), self.environment, self.flags):
            merged = merge(merged, source)
        return merged

    def origin(self, name: Name) -> str | None:
        """Where a value was given, the strongest source first; None where nowhere: it is a default."""
        given = {one for one, _ in flattened(self.flags)}
        if _gives(given, name):
            return self.given_in or _flag(name)
        variables = {one for one, _ in flattened(self.environment)}
        if _gives(variables, name):
            return _variable(name)
        if self.file is not None and any(one in self.file.lines for one in around(name)):
            return self.file.place(name)
        return None

    def line(self, name: Name) -> int:
        """The line of the file in which a name stands, or the table around it; 0 where it does not."""
        lines = self.file.lines if self.file else {}
        return next((lines[one] for one in around(name) if one in lines), 0)

    def place(self, name: Name) -> str:
        """Where to look for what is wrong with a name, which may not have been given at all."""
        return self.origin(name) or (str(self.file.path) if self.file else "settings")

    def placed(self, problem: str) -> str:
        """A problem that begins with a setting's name, with the place where that was given before it."""
        name = problem.partition(": ")[0]
        return f"{self.place(tuple(name.split('.')))}: {problem}"


def sources_of(
    file: SettingsFile | None, environ: Mapping[str, str], flags: Mapping[str, object], given_in: str
) -> Sources:
    """The sources; flags that were not given are left out, and ``NAME=BASE_URL`` pairs made a table."""
    nested: dict[str, object] = {}
    for name, value in settings_from_environment(environ).items():
        nested = merge(nested, _nested(name.split("."), value))
    given: dict[str, object] = {}
    for name, value in flags.items():
        if value is None or (isinstance(value, (list, tuple)) and not value):
            continue
        taken: object = list(value) if isinstance(value, tuple) else value
        if name == "providers" and isinstance(value, (list, tuple)):
            taken = providers_of([str(pair) for pair in value], "--provider")
        given = merge(given, _nested(name.split("."), _given(taken)))
    return Sources(file, nested, given, given_in)


def merge(weaker: Mapping[str, object], stronger: Mapping[str, object]) -> dict[str, object]:
    """Tables merge name by name; everything else is replaced, but for permissions, which add up."""
    merged = dict(weaker)
    for key, value in stronger.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = merge(before, value)
        elif key in _ADDING_LISTS and isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *(item for item in value if item not in before)]
        else:
            merged[key] = value
    return merged


def _gives(names: set[Name], name: Name) -> bool:
    """A source holds the value itself, what it is a part of, or a part of it."""
    return any(one[: len(name)] == name or name[: len(one)] == one for one in names)


def _flag(name: Name) -> str:
    return FLAGS.get(str(name[0])) or "--" + "-".join(str(step) for step in name).replace("_", "-")


def _variable(name: Name) -> str:
    known = {row.name: row.environment for row in settings_table() if row.environment}
    dotted = (".".join(str(step) for step in one) for one in around(name))
    return next((known[one] for one in dotted if one in known), environment_name(str(name[0])))


def _given(value: object) -> object:
    """Without what was not given, in whatever depth."""
    if not isinstance(value, dict):
        return value
    return {str(key): _given(inner) for key, inner in value.items() if inner is not None}


def _nested(steps: list[str], value: object) -> dict[str, object]:
    inner: object = value
    for step in reversed(steps[1:]):
        inner = {step: inner}
    return {steps[0]: inner}


def _absolute_paths(file: SettingsFile | None) -> dict[str, object]:
    if file is None:
        return {}
    values = dict(file.values)
    for name in _PATHS:
        section, _, key = name.rpartition(".")
        table = values.get(section) if section else values
        if not isinstance(table, dict) or not isinstance(table.get(key), str):
            continue
        resolved = str(file.path.parent / Path(str(table[key])).expanduser())
        values = merge(values, {section: {key: resolved}} if section else {key: resolved})
    return values
