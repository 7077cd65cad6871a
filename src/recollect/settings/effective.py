"""The settings in force as people may see them: by name, with where each was given, and without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tomli_w

from recollect.settings.names import flattened, spelled
from recollect.settings.table import settings_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.settings.load import LoadedSettings

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting: its name as in TOML, its value, and where it was given; ``origin`` None is the default."""

    name: str
    value: object
    origin: str | None

    def __str__(self) -> str:
        """A line of TOML, which says where it is from."""
        line = f"{self.name} = {_inline(self.value)}"
        return line if self.origin is None else f"{line}  # {self.origin}"


def as_toml(tables: Mapping[str, object]) -> str:
    """Plain values as a settings file."""
    return tomli_w.dumps(tables)


def _inline(value: object) -> str:
    """A value on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spelled((key,))} = {_inline(inner)}" for key, inner in value.items()) + "}"
    return as_toml({"_": value}).partition(" = ")[2].strip()


def effective_settings(loaded: LoadedSettings) -> list[EffectiveSetting]:
    """Every setting that has a value, in the order of the reference."""
    secret = {row.name.rpartition(".")[2] for row in settings_table() if row.is_secret}
    found: list[EffectiveSetting] = []
    for name, value in flattened(loaded.settings.model_dump(mode="json", exclude_none=True)):
        is_hidden = bool(value) and not secret.isdisjoint(name)
        found.append(EffectiveSetting(spelled(name), HIDDEN if is_hidden else value, loaded.sources.origin(name)))
    return found
