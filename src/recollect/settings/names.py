"""Names of settings: the steps that lead to a value, and how they are spelled."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from recollect.settings.table import WILDCARD, settings_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Name = tuple[str | int, ...]
"""``("providers", "local", "dialects", 0)``: names of tables and settings, and places in lists."""

_bare = re.compile(r"[A-Za-z0-9_-]+")


def spelled(name: Name) -> str:
    """As it is written in TOML, places in lists behind it: ``providers.local.dialects[0]``, ``prices."a/b".input``."""
    text = ""
    for step in name:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        plain = step if _bare.fullmatch(step) else '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'
        text += f".{plain}" if text else plain
    return text


def around(name: Name) -> Iterator[Name]:
    """The name itself, then the tables and lists around it, the nearest first."""
    for length in range(len(name), 0, -1):
        yield name[:length]


def flattened(table: Mapping[str, object], prefix: Name = ()) -> Iterator[tuple[Name, object]]:
    """The values of a table and of the tables in it, with their names. An empty table is a value."""
    for key, value in table.items():
        name = (*prefix, key)
        if isinstance(value, dict) and value:
            yield from flattened(value, name)
        else:
            yield name, value


def nearest(name: Name) -> str | None:
    """What was probably meant by a name that is not known; None where nothing is near."""
    *above, last = (str(step) for step in name)
    known = [_in_place_of(row.name.split("."), above) for row in settings_table()]
    siblings = {one[len(above)] for one in known if len(one) > len(above) and one[: len(above)] == above}
    close = get_close_matches(last, sorted(siblings), n=1)
    if close:
        return spelled((*name[:-1], close[0]))
    elsewhere = [one for one in known if one[-1] == last and WILDCARD not in one]
    return spelled(tuple(elsewhere[0])) if len(elsewhere) == 1 else None


def _in_place_of(known: list[str], above: list[str]) -> list[str]:
    """A known name with this name's own steps where any will do."""
    return [above[place] if step == WILDCARD and place < len(above) else step for place, step in enumerate(known)]
