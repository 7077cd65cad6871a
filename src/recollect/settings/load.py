"""File, environment and flags, in rising strength, made into one frozen value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from recollect.errors import SettingsError
from recollect.settings.complaints import complaint
from recollect.settings.environment import (
    CONFIG_VARIABLE,
    current_environment,
    default_folders,
    providers_of,
    settings_from_environment,
)
from recollect.settings.files import read_settings_file
from recollect.settings.schema import Settings
from recollect.settings.table import environment_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.settings.files import SettingsFile

DEFAULT_FILE = Path("recollect.toml")
_PATHS = ("data_dir", "store.path", "embedder.path", "embedder.cache_dir")
_ADDING_LISTS = frozenset({"allow_upstreams"})
"""Permissions add up over the sources; any other list is replaced by a stronger source."""


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """The settings in force; SettingsError names the first one that is wrong, where it was given and what to do.

    ``flags`` has dotted names (``port``, ``store.path``) or nested tables; None values count as not given.
    ``providers`` may be a table or a list of ``NAME=BASE_URL``. ``environ`` stands for the process's environment.
    The file is ``config``, or the one that RECOLLECT_CONFIG names, or ``./recollect.toml`` where it exists. Relative
    paths in it are relative to it.
    """
    known = current_environment(environ)
    file = _settings_file(config, known)
    given = _flattened_flags(flags or {})
    from_environment = settings_from_environment(known)
    merged: dict[str, object] = {}
    for source in (_absolute_paths(file), _nested(from_environment), _nested(given)):
        merged = _merge(merged, source)
    data_dir, cache_dir = default_folders(known)
    defaults: dict[str, object] = {"data_dir": data_dir, "embedder": {"cache_dir": cache_dir}}
    try:
        settings = Settings.model_validate(_merge(defaults, merged))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(step) for step in first["loc"])
        message = f"{_origin(name, file, from_environment, given)}: `{name}` {complaint(first)}."
        raise SettingsError(message) from error
    return _with_home(settings)


def _settings_file(config: Path | None, environ: Mapping[str, str]) -> SettingsFile | None:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if named is None:
        return read_settings_file(DEFAULT_FILE, environ) if DEFAULT_FILE.is_file() else None
    return read_settings_file(named.expanduser(), environ)


def _flattened_flags(flags: Mapping[str, object]) -> dict[str, object]:
    """Flags by dotted name, without those that were not given; ``provider`` pairs made a table."""
    flat: dict[str, object] = {}
    for name, value in _leaves(flags, ""):
        if value is None or (isinstance(value, (list, tuple)) and not value):
            continue
        if name == "providers" and isinstance(value, (list, tuple)):
            flat[name] = providers_of([str(pair) for pair in value], "--provider")
        else:
            flat[name] = list(value) if isinstance(value, tuple) else value
    return flat


def _leaves(table: Mapping[str, object], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found += _leaves(value, f"{name}.")
        else:
            found.append((name, value))
    return found


def _nested(flat: Mapping[str, object]) -> dict[str, object]:
    table: dict[str, object] = {}
    for name, value in flat.items():
        inner: object = value
        for step in reversed(name.split(".")):
            inner = {step: inner}
        if isinstance(inner, dict):
            table = _merge(table, inner)
    return table


def _merge(weaker: Mapping[str, object], stronger: Mapping[str, object]) -> dict[str, object]:
    """Tables merge name by name; everything else is replaced, but for permissions, which add up."""
    merged = dict(weaker)
    for key, value in stronger.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merge(before, value)
        elif key in _ADDING_LISTS and isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *(item for item in value if item not in before)]
        else:
            merged[key] = value
    return merged


def _absolute_paths(file: SettingsFile | None) -> dict[str, object]:
    if file is None:
        return {}
    values = dict(file.values)
    for name in _PATHS:
        section, _, field = name.rpartition(".")
        table = values.get(section) if section else values
        if not isinstance(table, dict) or not isinstance(table.get(field), str):
            continue
        resolved = str(file.path.parent / Path(str(table[field])).expanduser())
        values = _merge(values, {section: {field: resolved}} if section else {field: resolved})
    return values


def _with_home(settings: Settings) -> Settings:
    """``~`` in paths from environment and flags."""
    store, embedder = settings.store, settings.embedder
    return settings.model_copy(
        update={
            "data_dir": settings.data_dir.expanduser(),
            "store": store.model_copy(update={"path": store.path.expanduser() if store.path else None}),
            "embedder": embedder.model_copy(
                update={
                    "path": embedder.path.expanduser() if embedder.path else None,
                    "cache_dir": embedder.cache_dir.expanduser(),
                }
            ),
        }
    )


def _origin(
    name: str, file: SettingsFile | None, environment: Mapping[str, object], flags: Mapping[str, object]
) -> str:
    """Where the wrong value came from, the strongest source first."""
    around = [name]
    while "." in around[-1]:
        around.append(around[-1].rpartition(".")[0])
    for place in around:
        if place in flags or any(flag.startswith(f"{place}.") for flag in flags):
            return f"--{place.replace('_', '-')}"
        if place in environment:
            return environment_name(place)
    return file.place(name) if file else "settings"
