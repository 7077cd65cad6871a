"""The settings file: TOML or YAML, in which ``${NAME}`` stands for an environment variable."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recollect.errors import SettingsError
from recollect.settings.names import around, spelled
from recollect.settings.references import References
from recollect.settings.toml_lines import toml_lines
from recollect.settings.yaml_file import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recollect.settings.names import Name

DEFAULT_FILES = (Path("recollect.toml"), Path("recollect.yaml"), Path("recollect.yml"))
YAML_SUFFIXES = frozenset({".yaml", ".yml"})
_where = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file's values, the line of every name in it, and references that lead nowhere."""

    path: Path
    values: Mapping[str, object]
    lines: Mapping[Name, int]
    problems: Sequence[tuple[Name, str]] = ()

    def place(self, name: Name) -> str:
        """``recollect.toml, line 12``: the name's own line, or that of the nearest table around it."""
        line = next((self.lines[one] for one in around(name) if one in self.lines), None)
        return str(self.path) if line is None else f"{self.path}, line {line}"


def default_file() -> Path | None:
    """The settings file of the current folder; SettingsError where there are several."""
    found = [path for path in DEFAULT_FILES if path.is_file()]
    if len(found) > 1:
        message = f"There are {found[0]} and {found[1]} here. Keep one of them, or name one with `--config`."
        raise SettingsError(message)
    return found[0] if found else None


def read_settings_file(path: Path, environ: Mapping[str, str]) -> SettingsFile:
    """Read a settings file; SettingsError where it is none."""
    text = _read(path)
    values, lines = parse_yaml(text, str(path)) if path.suffix in YAML_SUFFIXES else _parse_toml(text, path)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        message = f"{path}: the file must be a table of settings, as `port: 8000`."
        raise SettingsError(message)
    references = References(environ, path.parent)
    resolved = {key: references.resolved(value, (key,)) for key, value in values.items()}
    return SettingsFile(path, resolved, lines, tuple(references.problems))


def parse_file(path: Path) -> object:
    """Any TOML or YAML document as plain values, nothing replaced; SettingsError where it is none."""
    text = _read(path)
    return parse_yaml(text, str(path))[0] if path.suffix in YAML_SUFFIXES else _parse_toml(text, path)[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"{path}: there is no such settings file. Create it, or leave `--config` and RECOLLECT_CONFIG out."
        raise SettingsError(message) from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: the settings file cannot be read ({error})."
        raise SettingsError(message) from error


def _parse_toml(text: str, path: Path) -> tuple[object, Mapping[Name, int]]:
    found = toml_lines(text)
    try:
        return tomllib.loads(text), found.lines
    except tomllib.TOMLDecodeError as error:
        if found.repeated:
            twice = [
                f"{path}, line {line}: `{spelled(name)}` is given twice, first in line {first}. Remove one of them."
                for name, first, line in found.repeated
            ]
            raise SettingsError(*twice) from error
        what = str(error)
        at = _where.search(what)
        line, column = (at[1], at[2]) if at and at[1] else (str(text.count("\n") + 1), "")
        where = f"{path}, line {line}" + (f", column {column}" if column else "")
        message = f"{where}: this is not valid TOML: {_where.sub('', what)}."
        raise SettingsError(message) from error
