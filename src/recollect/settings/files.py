"""The settings file: TOML, or YAML where PyYAML is installed; ``${NAME}`` stands for an environment variable."""

from __future__ import annotations

import importlib
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_reference = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_toml_header = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_toml_key = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_yaml_key = re.compile(r"""( *)(?:- )?["']?([A-Za-z0-9_.-]+)["']?\s*:(?:\s|$)""")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file's values, and the line of every dotted name in it."""

    path: Path
    values: Mapping[str, object]
    lines: Mapping[str, int]

    def place(self, name: str) -> str:
        """``recollect.toml, line 12``: the name's own line, or that of the nearest table around it."""
        while name and name not in self.lines:
            name = name.rpartition(".")[0]
        return f"{self.path}, line {self.lines[name]}" if name else str(self.path)


def read_settings_file(path: Path, environ: Mapping[str, str]) -> SettingsFile:
    """Read a settings file; SettingsError says what is wrong where."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = f"{path}: there is no such settings file. Create it, or leave `--config` and RECOLLECT_CONFIG out."
        raise SettingsError(message) from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: the settings file cannot be read ({error})."
        raise SettingsError(message) from error
    is_yaml = path.suffix in {".yaml", ".yml"}
    values = _parse_yaml(path, text) if is_yaml else _parse_toml(path, text)
    lines = _yaml_lines(text) if is_yaml else _toml_lines(text)
    found = SettingsFile(path, {}, lines)
    resolved = {key: _resolve(value, key, found, environ) for key, value in values.items()}
    return SettingsFile(path, resolved, lines)


def _parse_toml(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: this is not valid TOML: {error}."
        raise SettingsError(message) from error


def _parse_yaml(path: Path, text: str) -> dict[str, object]:
    try:
        yaml = importlib.import_module("yaml")
    except ModuleNotFoundError as error:
        message = f"{path}: YAML needs PyYAML. Install it with `pip install pyyaml`, or write the file as TOML."
        raise SettingsError(message) from error
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"{path}: this is not valid YAML: {error}"
        raise SettingsError(message) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        message = f"{path}: the file must be a table of settings, as `port: 8000`."
        raise SettingsError(message)
    return {str(key): value for key, value in values.items()}


def _resolve(value: object, name: str, file: SettingsFile, environ: Mapping[str, str]) -> object:
    """Put variables in the place of their references, in whatever depth."""
    if isinstance(value, dict):
        return {str(key): _resolve(inner, f"{name}.{key}", file, environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolve(inner, name, file, environ) for inner in value]
    if not isinstance(value, str):
        return value

    def variable(found: re.Match[str]) -> str:
        given = environ.get(found[1]) or found[2]
        if given is None:
            message = (
                f"{file.place(name)}: `{name}` refers to ${{{found[1]}}}, which is not set in the environment. "
                f"Set it, or give a default: ${{{found[1]}:-…}}."
            )
            raise SettingsError(message)
        return given

    return _reference.sub(variable, value)


def _toml_lines(text: str) -> dict[str, int]:
    """Where each key and table header stands; good enough for messages, multi-line strings are not looked into."""
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = _toml_header.match(line)
        if header:
            table = _plain(header[1])
            lines.setdefault(table, number)
            continue
        key = _toml_key.match(line)
        if key:
            lines.setdefault(f"{table}.{_plain(key[1])}" if table else _plain(key[1]), number)
    return lines


def _plain(key: str) -> str:
    return ".".join(piece.strip().strip("\"'") for piece in key.split("."))


def _yaml_lines(text: str) -> dict[str, int]:
    """Where each key stands, by indentation."""
    lines: dict[str, int] = {}
    above: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        key = _yaml_key.match(line)
        if not key:
            continue
        depth = len(key[1])
        while above and above[-1][0] >= depth:
            above.pop()
        name = f"{above[-1][1]}.{key[2]}" if above else key[2]
        above.append((depth, name))
        lines.setdefault(name, number)
    return lines
