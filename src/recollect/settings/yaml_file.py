"""YAML 1.2, in which ``off`` and ``no`` are words, as a settings file may be written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from recollect.settings.names import Name


def parse_yaml(text: str, place: str) -> tuple[object, dict[Name, int]]:
    """The document as plain values, and the lines of its names from 1. SettingsError begins with ``place``."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only those who write YAML wait for its library
    from ruamel.yaml.constructor import DuplicateKeyError  # noqa: PLC0415 - as above
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415 - as above

    parser = YAML(typ="safe", pure=True)
    try:
        node = parser.compose(text)
        lines = dict(_lines(node, (), ())) if node is not None else {}
        value: object = parser.constructor.construct_document(node) if node is not None else None
    except _CircleError as error:
        message = f"{place}, line {error.line}: this value contains itself, which no setting can."
        raise SettingsError(message) from error
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        name = str(error.problem).removeprefix("found duplicate key ").partition(" with value")[0].strip('"')
        message = f"{place}, line {line}: `{name}` is given twice in one table. Remove one of them."
        raise SettingsError(message) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{place}, line {mark.line + 1}, column {mark.column + 1}" if mark else place
        message = f"{where}: this is not valid YAML: {error.problem or error.context}."
        raise SettingsError(message) from error
    except YAMLError as error:
        message = f"{place}: this is not valid YAML: {' '.join(str(error).split())}"
        raise SettingsError(message) from error
    return _plain(value), lines


class _CircleError(Exception):
    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def _lines(node: Any, name: Name, above: tuple[Any, ...]) -> list[tuple[Name, int]]:  # noqa: ANN401 - nodes of several kinds
    found = [(name, node.start_mark.line + 1)] if name else []
    if any(node is one for one in above):
        raise _CircleError(found[0][1])
    inner = (*above, node)
    if node.id == "mapping":
        for key, value in node.value:
            found.append(((*name, str(key.value)), key.start_mark.line + 1))
            found += _lines(value, (*name, str(key.value)), inner)[1:]
    elif node.id == "sequence":
        for place, value in enumerate(node.value):
            found += _lines(value, (*name, place), inner)
    return found


def _plain(value: object) -> object:
    """Names of tables as text, and dates as they were written: no setting is one."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
