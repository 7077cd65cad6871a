"""Whether what was set can be used together: each value may be right by itself and the whole still wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.errors import SettingsError
from recollect.providers.allow_list import build_allow_list
from recollect.providers.registry import find_provider, load_registry, with_overrides
from recollect.providers.routes import parse_routes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recollect.providers.base import Provider
    from recollect.settings.names import Name
    from recollect.settings.schema import Settings


def inconsistencies(settings: Settings) -> list[tuple[Name, str]]:
    """What is wrong with which setting, as a clause that follows its name."""
    found: list[tuple[Name, str]] = []
    registry = load_registry()
    for name, one in settings.providers.items():
        try:
            registry = with_overrides(registry, {name: one.model_dump(exclude={"api_key"}, exclude_none=True)})
        except SettingsError as error:
            found.append(_split(error, "providers", name))
    return [*found, *_permissions(settings), *_routes(settings), *_models(settings, registry)]


def _split(error: SettingsError, *table: str) -> tuple[Name, str]:
    """An error of ``providers.NAME.field: must be …`` as name and clause; the name may hold dots of its own."""
    where, _, clause = str(error).partition(": ")
    rest = where.removeprefix(".".join(table)).removeprefix(".")
    return (*table, *(rest.split(".") if rest else ())), clause.removesuffix(".")


def _permissions(settings: Settings) -> Iterator[tuple[Name, str]]:
    for entry in settings.allow_upstreams:
        try:
            build_allow_list((), [entry])
        except SettingsError:
            yield (
                ("allow_upstreams",),
                f"holds `{entry}`, which is no host or host:port, as `gpu.example:8000` or `127.0.0.1`",
            )


def _routes(settings: Settings) -> Iterator[tuple[Name, str]]:
    """Each route by itself, then all of them together, which may lead in circles."""
    wrong: list[tuple[Name, str]] = []
    for name, value in settings.routes.items():
        try:
            parse_routes({name: value})
        except SettingsError as error:
            wrong.append(_split(error, "routes", name))
    yield from wrong
    if not wrong:
        try:
            parse_routes(settings.routes)
        except SettingsError as error:
            where = str(error).partition(": ")[0].removeprefix("routes.")
            yield _split(error, "routes", where)


def _models(settings: Settings, registry: Mapping[str, Provider]) -> Iterator[tuple[Name, str]]:
    """What a model needs beside its name."""
    embedder, extractor = settings.embedder, settings.extractor
    if embedder.kind == "openai":
        for field, value in (("base_url", embedder.base_url), ("model", embedder.model)):
            if value is None:
                yield ("embedder", field), "is required where `embedder.kind` is `openai`"
    if extractor.model is not None and extractor.base_url is None:
        prefix, slash, _ = extractor.model.partition("/")
        if (
            slash
            and find_provider(registry, prefix) is None
            and find_provider(registry, settings.default_provider) is None
        ):
            yield (
                ("extractor", "model"),
                f"names the provider `{prefix}`, which is not known; or set `extractor.base_url`",
            )
