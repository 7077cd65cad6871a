"""The settings as a table, for reference pages and ``--help``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from recollect.settings.schema import ProjectSettings, ProviderSettings, Settings
from recollect.settings.section import Section
from recollect.settings.spending import PriceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT_PREFIX = "RECOLLECT_"
WILDCARD = "NAME"
"""Stands in a setting's name where people choose one."""
_TOLD_DEFAULTS = {
    "data_dir": "the platform's folder for data",
    "embedder.cache_dir": "the platform's folder for caches",
    "store.path": "`data_dir`/recollect.db",
}


_TABLES: dict[str, type[Section]] = {
    "providers": ProviderSettings,
    "prices": PriceSettings,
    "projects": ProjectSettings,
}
"""Tables whose keys are the operator's own, and what an entry holds."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting: its dotted name in the file, its environment variable ("" where it has none), its default as text,
    what it is for, and whether it is kept from being shown.
    """

    name: str
    environment: str
    default: str
    description: str
    is_secret: bool = False


def settings_table() -> tuple[SettingRow, ...]:
    """Every setting, in the order of the schema; those of a provider as ``providers.NAME.…``."""
    return tuple(_rows(Settings, ""))


def environment_name(name: str) -> str:
    """``recall.max_tokens`` → ``RECOLLECT_RECALL_MAX_TOKENS``."""
    return ENVIRONMENT_PREFIX + name.replace(".", "_").upper()


def _rows(section: type[Section], prefix: str) -> Iterator[SettingRow]:
    for field, info in section.model_fields.items():
        name = prefix + field
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            yield from _rows(info.annotation, f"{name}.")
            continue
        default = _TOLD_DEFAULTS.get(name) or (
            "" if info.is_required() else _default_text(info.get_default(call_default_factory=True, validated_data={}))
        )
        has_variable = not any(prefix == f"{table}.{WILDCARD}." for table in _TABLES)
        variable = environment_name(name) if has_variable else ""
        yield SettingRow(name, variable, default, info.description or "", is_secret=not info.repr)
        if name in _TABLES:
            yield from _rows(_TABLES[name], f"{name}.{WILDCARD}.")


def _default_text(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
