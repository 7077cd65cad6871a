"""What the environment says: settings named ``RECOLLECT_…``, and the providers' own keys."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recollect.errors import SettingsError
from recollect.settings.table import ENVIRONMENT_PREFIX, settings_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recollect.providers.base import Provider

CONFIG_VARIABLE = "RECOLLECT_CONFIG"
WORKER_VARIABLE = "RECOLLECT_WORKER_SETTINGS"
CLIENT_VARIABLES = frozenset({"RECOLLECT_BASE_URL", "RECOLLECT_API_KEY"})
"""Read by the Python client, not by the gateway."""
TABLES = {
    "prices": '{"openai/gpt-4o": {"input": 2.5, "output": 10}}',
    "projects": '{"acme": {"instructions": "Leave work out."}}',
    "budgets.projects": '{"default": ["100 usd/month"]}',
    "budgets.users": '{"alice": ["5 usd/day"]}',
    "budgets.models": '{"openai/gpt-4o": ["10 usd/day"]}',
}
LISTS = frozenset(
    {
        "allow_upstreams",
        "allow_hosts",
        "cors.origins",
        "extractor.categories",
        "retries.fallback_statuses",
        "secret_key",
        "budgets.project",
        "budgets.key",
        "budgets.user",
        "budgets.model",
    }
)


OTHERS_VARIABLES = {"OTEL_EXPORTER_OTLP_ENDPOINT": "otel.endpoint"}
"""Variables that belong to others, and what they set here, unless ours say otherwise."""


def current_environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    """The given environment, or the process's own."""
    return os.environ if environ is None else environ


def environment_value(name: str, *, environ: Mapping[str, str] | None = None) -> str | None:
    """One variable; None where it is missing or empty."""
    return current_environment(environ).get(name) or None


def environment_keys(registry: Iterable[Provider], *, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The provider keys in the environment, by the provider's name; of several variables the first that is set."""
    found: dict[str, str] = {}
    known = current_environment(environ)
    for provider in registry:
        key = next((known[name] for name in provider.key_env if known.get(name)), None)
        if key is not None:
            found[provider.name] = key
    return found


def unknown_environment(*, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``RECOLLECT_*`` variables that nothing reads: probably misspelt."""
    known = {row.environment for row in settings_table()} | CLIENT_VARIABLES | {CONFIG_VARIABLE, WORKER_VARIABLE}
    given = current_environment(environ)
    return tuple(sorted(name for name in given if name.startswith(ENVIRONMENT_PREFIX) and name not in known))


def settings_from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """Dotted setting names and their values, lists and tables split."""
    values: dict[str, object] = {
        name: environ[variable] for variable, name in OTHERS_VARIABLES.items() if environ.get(variable)
    }
    for row in settings_table():
        text = environ.get(row.environment, "") if row.environment else ""
        if text:
            values[row.name] = split_value(row.name, text, row.environment)
    return values


def split_value(name: str, text: str, origin: str) -> object:
    """A value given as text: lists are separated by commas, providers are ``NAME=BASE_URL``, routes ``NAME=MODEL``; all
    may be JSON."""
    stripped = text.strip()
    if name not in {"providers", "routes", *TABLES} and name not in LISTS:
        return text
    if stripped.startswith(("[", "{")):
        try:
            return json.loads(stripped)
        except json.JSONDecodeError as error:
            message = f"{origin}: this is not valid JSON ({error.msg}, column {error.colno})."
            raise SettingsError(message) from error
    if name in TABLES:
        message = f"{origin}: this must be a table as JSON, as in {TABLES[name]}."
        raise SettingsError(message)
    pieces = [piece.strip() for piece in stripped.split(",") if piece.strip()]
    if name == "routes":
        return dict(_pair(piece, origin, "NAME=MODEL, as in `fast=groq/llama-3.3-70b`") for piece in pieces)
    return providers_of(pieces, origin) if name == "providers" else pieces


def providers_of(pairs: Iterable[str], origin: str) -> dict[str, dict[str, str]]:
    """``NAME=BASE_URL`` pairs as a table."""
    parsed = [_pair(pair, origin, "NAME=BASE_URL, as in `local=http://127.0.0.1:8080/v1`") for pair in pairs]
    return {name: {"base_url": url} for name, url in parsed}


def _pair(pair: str, origin: str, form: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals or not name.strip() or not value.strip():
        message = f"{origin}: `{pair}` is not {form}."
        raise SettingsError(message)
    return name.strip(), value.strip()


def default_folders(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Where this platform keeps an application's data, and its caches.

    Not the current folder, so that every command finds the same database from wherever it is called.
    """
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or _home(environ) / "AppData" / "Local") / "recollect"
        return base / "data", base / "cache"
    if sys.platform == "darwin":
        library = _home(environ) / "Library"
        return library / "Application Support" / "recollect", library / "Caches" / "recollect"
    data = environ.get("XDG_DATA_HOME") or _home(environ) / ".local" / "share"
    cache = environ.get("XDG_CACHE_HOME") or _home(environ) / ".cache"
    return Path(data) / "recollect", Path(cache) / "recollect"


def _home(environ: Mapping[str, str]) -> Path:
    """The home folder; the current one for a process that has none (a container's bare user)."""
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or ".")
