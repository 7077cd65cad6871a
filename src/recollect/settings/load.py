"""File, environment and flags, in rising strength, made into one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from recollect.errors import SettingsError
from recollect.providers.registry import find_provider, load_registry, with_overrides
from recollect.settings.complaints import complaint
from recollect.settings.consistency import inconsistencies
from recollect.settings.environment import CONFIG_VARIABLE, current_environment, default_folders, unknown_environment
from recollect.settings.files import default_file, read_settings_file
from recollect.settings.names import nearest, spelled
from recollect.settings.schema import Settings
from recollect.settings.sources import merge, sources_of
from recollect.settings.table import settings_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from recollect.settings.files import SettingsFile
    from recollect.settings.names import Name
    from recollect.settings.sources import Sources


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where each of them was given."""

    settings: Settings
    sources: Sources


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
    given_in: str = "",
) -> Settings:
    """The settings in force; SettingsError names everything that is wrong, where it was given and what to do.

    ``flags`` has dotted names (``port``, ``store.path``) or nested tables; None values count as not given.
    ``providers`` may be a table or a list of ``NAME=BASE_URL``. ``environ`` stands for the process's environment.
    The file is ``config``, or the one that RECOLLECT_CONFIG names, or ``./recollect.toml`` where it exists, or the same
    in YAML. Relative paths in it are relative to it. ``given_in`` is what errors call flags that are none.
    """
    return load_with_sources(flags, environ=environ, config=config, given_in=given_in).settings


def load_with_sources(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
    given_in: str = "",
) -> LoadedSettings:
    """The same, with where each was given."""
    known = current_environment(environ)
    file = _settings_file(config, known)
    sources = sources_of(file, known, flags or {}, given_in)
    data_dir, cache_dir = default_folders(known)
    defaults: dict[str, object] = {"data_dir": data_dir, "embedder": {"cache_dir": cache_dir}}
    merged = merge(defaults, sources.merged())
    try:
        settings = Settings.model_validate(merged)
        wrong = inconsistencies(settings)
    except ValidationError as error:
        wrong = _complaints(error, merged)
    wrong += file.problems if file else ()  # last, because what a reference should have led to is wrong as well
    problems = {name: f"{sources.place(name)}: `{spelled(name)}` {clause}." for name, clause in wrong}
    if problems:
        raise SettingsError(*(problems[name] for name in sorted(problems, key=sources.line)))
    return LoadedSettings(_with_home(settings), sources)


def warnings_about(settings: Settings, *, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is allowed and yet probably not meant."""
    known = sorted(row.environment for row in settings_table() if row.environment)
    found: list[str] = []
    for variable in unknown_environment(environ=environ):
        close = get_close_matches(variable, known, n=1)
        found.append(f"{variable}: nothing reads this variable" + (f"; did you mean {close[0]}?" if close else "."))
    registry = with_overrides(
        load_registry(), {name: one.model_dump(exclude={"api_key"}) for name, one in settings.providers.items()}
    )
    if find_provider(registry, settings.default_provider) is None:
        found.append(f"default_provider: there is no provider {settings.default_provider!r}, in the registry or here.")
    return found


def _settings_file(config: Path | None, environ: Mapping[str, str]) -> SettingsFile | None:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else default_file())
    return None if named is None else read_settings_file(named.expanduser(), environ)


def _complaints(error: ValidationError, values: Mapping[str, object]) -> list[tuple[Name, str]]:
    """A clause for each setting that is wrong, in the order of the schema."""
    found: dict[Name, str] = {}
    for one in error.errors(include_url=False, include_input=False):
        name = _name(one, values)
        meant = nearest(name) if one["type"] == "extra_forbidden" else None
        found.setdefault(name, complaint(one) + (f"; did you mean `{meant}`" if meant else ""))
    return list(found.items())


def _name(error: ErrorDetails, values: Mapping[str, object]) -> Name:
    """The steps of an error's place that lead through what was given: validators put marks of their own between."""
    name: Name = ()
    inner: object = values
    for step in error["loc"]:
        if _holds(inner, step):
            inner = inner[step]  # type: ignore[index]  # it holds the step
        elif error["type"] != "missing":
            continue
        name = (*name, step)
    return name


def _holds(value: object, step: str | int) -> bool:
    is_element = isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value)
    return is_element or (isinstance(value, dict) and step in value)


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
