"""What ``Recollect(config={…})`` accepts: the settings file's keys, and the shape of Mem0's configuration."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNUSED_MEM0_KEYS = (
    "graph_store",
    "history_db_path",
    "reranker",
    "version",
    "custom_prompt",
    "custom_instructions",
)
"""Parts of a Mem0 configuration that have no counterpart here: nothing is lost by leaving them out."""


def settings_from(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a settings file, from a mapping that may hold Mem0's keys instead or as well.

    ``vector_store`` is accepted: vectors go to the embedded store. ``llm`` names the default provider and its key;
    ``provider_keys`` is short for ``providers.NAME.api_key``.
    """
    values = {name: value for name, value in config.items() if name not in UNUSED_MEM0_KEYS}
    _take_vector_store(values)
    _take_llm(values)
    for provider, key in values.pop("provider_keys", {}).items():
        values["providers"] = {**values.get("providers", {})}
        values["providers"][provider] = {"api_key": key, **values["providers"].get(provider, {})}
    return values


def name_of(config: Mapping[str, Any]) -> str:
    """The same text for the same configuration, so that its clients share one gateway."""
    return json.dumps(config, sort_keys=True, default=str)


def _take_vector_store(values: dict[str, Any]) -> None:
    store = _component(values, "vector_store")
    if store is not None:
        warnings.warn(
            f"vector_store {store[0]!r} is accepted but not used: vectors are kept in Recollect's own store.",
            UserWarning,
            stacklevel=2,
        )


def _take_llm(values: dict[str, Any]) -> None:
    llm = _component(values, "llm")
    if llm is None:
        return
    provider, options = llm
    if options.get("api_key"):
        values["provider_keys"] = {
            provider: options["api_key"],
            **values.get("provider_keys", {}),
        }
    values.setdefault("default_provider", provider)


def _component(values: dict[str, Any], name: str) -> tuple[str, Mapping[str, Any]] | None:
    """Take one ``{"provider": …, "config": {…}}`` out."""
    part = values.get(name)
    if part is None:
        return None
    if not isinstance(part, dict) or not isinstance(part.get("provider"), str):
        message = f'{name}: expected {{"provider": name, "config": {{…}}}}'
        raise SettingsError(message)
    del values[name]
    return part["provider"], part.get("config") or {}
