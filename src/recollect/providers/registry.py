"""Who speaks an LLM API: the entries of ``registry.toml``, and what the settings change in them."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recollect.errors import SettingsError
from recollect.providers.base import Provider
from recollect.providers.context_windows import context_window

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["context_window", "find_provider", "load_registry", "with_overrides"]

ALL_DIALECTS = frozenset({"chat/completions", "responses", "completions", "embeddings"})
"""What a provider that the settings add is taken to have, unless they say otherwise."""
ANTHROPIC_DIALECTS = frozenset({"messages"})
"""The same, of one of Anthropic's style."""
RESERVED_NAMES = frozenset({"recollect"})
"""Prefixes of our own models."""
PATH_STYLES = frozenset({"openai", "azure", "anthropic"})


def load_registry() -> Mapping[str, Provider]:
    """The providers that come with the package, by name."""
    text = files(__package__).joinpath("registry.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)
    return MappingProxyType({name: Provider(name=name, **_parsed(name, entry)) for name, entry in entries.items()})


def with_overrides(
    registry: Mapping[str, Provider], overrides: Mapping[str, Mapping[str, object]]
) -> Mapping[str, Provider]:
    """The registry with entries changed or added.

    A value of None changes nothing. A new name needs a ``base_url``; it is taken to be OpenAI-like, with any model
    names, and to need a key only where the override says so or names one. One that is moved to this machine needs none
    either: servers there seldom ask for one, and what key there is goes along. Names are compared in lower case. Fields
    that no entry has (``api_key``) are the caller's. SettingsError names the setting at fault.
    """
    changed = dict(registry)
    for name, override in overrides.items():
        key = name.strip().lower()
        if not key or "/" in key or key in RESERVED_NAMES:
            message = f"providers.{name}: cannot be used as a name; pick one without a slash that is not `recollect`."
            raise SettingsError(message)
        values = _parsed(key, {field: value for field, value in override.items() if value is not None})
        if values.get("base_urls"):
            values["base_url"] = values["base_urls"][0]
        known = find_provider(changed, key)
        if known is not None:
            if "base_url" in values and _is_on_this_machine(values["base_url"]):
                values.setdefault("needs_key", False)
            changed[known.name] = replace(known, is_configured=True, **values)
            continue
        if not values.get("base_url"):
            message = f"providers.{name}: is not in the registry and so needs a `base_url`, as in `https://host/v1`."
            raise SettingsError(message)
        needs_key = bool(override.get("key_env"))
        defaults: dict[str, Any] = {
            "dialects": ANTHROPIC_DIALECTS if values.get("path_style") == "anthropic" else ALL_DIALECTS,
            "has_slashed_models": True,
            "needs_key": needs_key,
            "is_configured": True,
        }
        changed[key] = Provider(name=key, **{**defaults, **values})
    return MappingProxyType(changed)


def _is_on_this_machine(base_url: str) -> bool:
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_provider(registry: Mapping[str, Provider], name: str) -> Provider | None:
    """The entry with that name or alias, in any case; None where there is none."""
    found = registry.get(name)
    if found is not None:
        return found
    lowered = name.lower()
    found = registry.get(lowered)
    if found is not None:
        return found
    return next((provider for provider in registry.values() if lowered in provider.aliases), None)


def _parsed(name: str, entry: Mapping[str, object]) -> dict[str, Any]:
    return {field: _PARSERS[field](name, field, value) for field, value in entry.items() if field in _PARSERS}


def _fail(name: str, field: str, expected: str) -> SettingsError:
    return SettingsError(f"providers.{name}.{field}: must be {expected}.")


def _text(name: str, field: str, value: object) -> str:
    if not isinstance(value, str):
        raise _fail(name, field, "text")
    return value


def _url(name: str, field: str, value: object) -> str:
    return _text(name, field, value).strip().rstrip("/")


def _urls(name: str, field: str, value: object) -> tuple[str, ...]:
    return tuple(_url(name, field, item) for item in _texts(name, field, value))


def _header(name: str, field: str, value: object) -> str:
    return _text(name, field, value).strip().lower()


def _truth(name: str, field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _fail(name, field, "true or false")
    return value


def _texts(name: str, field: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (Sequence, frozenset, set)):
        raise _fail(name, field, "a list of texts")
    return tuple(_text(name, field, item) for item in value)


def _dialects(name: str, field: str, value: object) -> frozenset[str]:
    return frozenset(_texts(name, field, value))


def _path_style(name: str, field: str, value: object) -> str:
    text = _text(name, field, value)
    if text not in PATH_STYLES:
        raise _fail(name, field, "`openai`, `azure` or `anthropic`")
    return text


def _headers(name: str, field: str, value: object) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, Mapping) else value
    if isinstance(pairs, str) or not hasattr(pairs, "__iter__"):
        raise _fail(name, field, "a table of header names and values")
    return tuple((_header(name, field, key), _text(name, field, text)) for key, text in pairs)


_PARSERS: Mapping[str, Callable[[str, str, object], object]] = {
    "base_url": _url,
    "base_urls": _urls,
    "key_env": _texts,
    "key_header": _header,
    "key_prefix": _text,
    "path_style": _path_style,
    "dialects": _dialects,
    "needs_key": _truth,
    "api_version": _text,
    "extra_headers": _headers,
    "aliases": _texts,
    "has_slashed_models": _truth,
    "forward_hosts": _texts,
    "has_stream_usage": _truth,
}
