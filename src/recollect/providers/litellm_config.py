"""The model list of LiteLLM's ``config.yaml`` (docs.litellm.ai/docs/proxy/configs) as providers and routes of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recollect.errors import SettingsError
from recollect.providers.registry import find_provider

if TYPE_CHECKING:
    from recollect.providers.base import Provider

Json = dict[str, Any]

ENVIRONMENT_PREFIX = "os.environ/"
STRATEGIES = {"latency-based-routing": "least_latency"}
"""Their strategies that are one of ours; the rest share the load by weight."""


@dataclass(slots=True)
class ImportedConfig:
    """Tables for our settings, keys as ``${NAME}`` where they were in the environment, and what could not be taken."""

    providers: dict[str, Json] = field(default_factory=dict)
    routes: dict[str, object] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def import_litellm(config: object, registry: Mapping[str, Provider]) -> ImportedConfig:
    """Translate a parsed ``config.yaml``. SettingsError where it has no model list.

    A model group becomes a route; an entry with an ``api_base`` of its own becomes a provider of its own. Names that
    mean the same model at the same provider need no route and get none.
    """
    models = config.get("model_list") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(models, list):
        message = "model_list: must be a list of models; is this the configuration of a LiteLLM proxy?"
        raise SettingsError(message)
    made = ImportedConfig()
    groups: dict[str, list[Json]] = {}
    for number, entry in enumerate(models):
        given = entry if isinstance(entry, Mapping) else {}
        params = given.get("litellm_params")
        if not isinstance(params, Mapping) or not isinstance(params.get("model"), str):
            made.left_out.append(f"model_list[{number}]: it has no `litellm_params.model`.")
            continue
        target = _target(made, registry, params, f"model_list[{number}]")
        if target is not None:
            groups.setdefault(str(given.get("model_name") or params["model"]), []).append(target)
    _add_routes(made, groups, _settings(config, "router_settings"), _settings(config, "litellm_settings"))
    return made


def _target(
    made: ImportedConfig, registry: Mapping[str, Provider], params: Mapping[str, Any], place: str
) -> Json | None:
    """One deployment as a target of a route; its provider is added where it is not one that is known."""
    prefix, slash, rest = str(params["model"]).partition("/")
    provider = find_provider(registry, prefix) if slash else registry.get("openai")
    model = rest if slash else prefix
    base_url = params.get("api_base")
    if provider is None:
        made.left_out.append(f"{place}: the provider of {params['model']!r} is not known here.")
        return None
    if model == "*":
        made.left_out.append(f"{place}: a wildcard needs no route; write {provider.name}/MODEL.")
        return None
    name = _add_provider(made, provider, base_url, params)
    weight = params.get("weight") or params.get("rpm") or 1
    return {"model": f"{name}/{model}", "weight": weight}


def _add_provider(made: ImportedConfig, provider: Provider, base_url: object, params: Mapping[str, Any]) -> str:
    settings: Json = {}
    if isinstance(base_url, str) and base_url.rstrip("/") != provider.base_url:
        settings["base_url"] = _reference(base_url).rstrip("/")
    if isinstance(params.get("api_key"), str):
        settings["api_key"] = _reference(params["api_key"])
    if isinstance(params.get("api_version"), str):
        settings["api_version"] = _reference(params["api_version"])
    if not settings:
        return provider.name
    name, number = provider.name, 1
    while made.providers.get(name, settings) != settings:
        number += 1
        host = urlsplit(str(settings.get("base_url", ""))).hostname or ""
        stem = host.partition(".")[0] if number == 2 and host and not host[0].isdigit() else str(number)  # noqa: PLR2004
        name = f"{provider.name}-{stem}"
    if name != provider.name:
        settings |= {"key_header": provider.key_header, "key_prefix": provider.key_prefix}
        settings["path_style"] = provider.path_style
    made.providers.setdefault(name, settings)
    return name


def _add_routes(made: ImportedConfig, groups: Mapping[str, list[Json]], router: Json, general: Json) -> None:
    strategy = STRATEGIES.get(str(router.get("routing_strategy")))
    fallbacks = _fallbacks(router.get("fallbacks") or general.get("fallbacks"))
    for name, targets in groups.items():
        later = fallbacks.get(name, [])
        if len(targets) == 1 and not later:
            if targets[0]["model"] != name:
                made.routes[name] = targets[0]["model"]
            continue
        is_even = len({target["weight"] for target in targets}) == 1
        route: Json = {"models": [target["model"] for target in targets] if is_even else targets}
        route["strategy"] = strategy or ("weighted" if len(targets) > 1 else "order")
        if later:
            route["fallbacks"] = later
        made.routes[name] = route
    aliases = router.get("model_group_alias")
    for alias, group in aliases.items() if isinstance(aliases, Mapping) else ():
        made.routes[str(alias)] = str(group.get("model") if isinstance(group, Mapping) else group)


def _fallbacks(given: object) -> dict[str, list[str]]:
    """From their list of one-entry tables."""
    tables = [table for table in given if isinstance(table, Mapping)] if isinstance(given, list) else []
    return {str(name): [str(model) for model in models] for table in tables for name, models in table.items()}


def _settings(config: Mapping[str, Any], name: str) -> Json:
    section = config.get(name)
    return dict(section) if isinstance(section, Mapping) else {}


def _reference(text: str) -> str:
    return f"${{{text.removeprefix(ENVIRONMENT_PREFIX)}}}" if text.startswith(ENVIRONMENT_PREFIX) else text
