"""The model list of LiteLLM's ``config.yaml`` (docs.litellm.ai/docs/proxy/configs) as settings of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recollect.errors import SettingsError
from recollect.providers.registry import find_provider

if TYPE_CHECKING:
    from recollect.providers.base import Provider

Json = dict[str, Any]

ENVIRONMENT_PREFIX = "os.environ/"
STRATEGIES = {"latency-based-routing": "least_latency", "simple-shuffle": "weighted"}
"""Their strategies that are one of ours; the rest share the load by weight."""
TAKEN_PARAMS = frozenset({"model", "api_base", "base_url", "api_key", "api_version", "weight", "rpm"})
TAKEN_ROUTER_SETTINGS = frozenset({"routing_strategy", "fallbacks", "default_fallbacks", "model_group_alias"})
TAKEN_SETTINGS = frozenset({"fallbacks", "default_fallbacks"})
COUNTED = {"num_retries": ("tries", 1), "allowed_fails": ("cooldown_failures", 1), "cooldown_time": ("cooldown_s", 0)}
"""Their numbers, our setting in ``[retries]``, and what is added: a retry is a second try, and a fail
that is allowed is not yet the one after which a deployment rests."""
NEEDLESS = frozenset({"drop_params", "set_verbose", "modify_params", "json_logs", "telemetry"})
"""What changes nothing here: requests pass as their clients wrote them, and nothing is reported to anybody."""


@dataclass(slots=True)
class ImportedConfig:
    """Tables for our settings, keys as ``${NAME}`` where they were in the environment, and what could not be taken."""

    providers: dict[str, Json] = field(default_factory=dict)
    routes: dict[str, object] = field(default_factory=dict)
    retries: Json = field(default_factory=dict)
    limits: Json = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def tables(self) -> dict[str, Json]:
        """As they stand in a settings file."""
        found = {"limits": self.limits, "retries": self.retries, "providers": self.providers, "routes": self.routes}
        return {name: table for name, table in found.items() if table}


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
    deployments = _Deployments(made, registry, tuple(_entries(made, models)))
    groups = deployments.groups()
    made.left_out.sort(key=lambda line: int(line.partition("[")[2].partition("]")[0]))
    router, general = _settings(config, "router_settings"), _settings(config, "litellm_settings")
    _add_routes(made, groups, router, general)
    _add_retries(made, {**general, **router})
    made.left_out += _not_taken(config, router, general)
    return made


@dataclass(frozen=True, slots=True)
class _Entry:
    """One deployment of their list."""

    place: str
    group: str
    params: Mapping[str, Any]

    @property
    def base_url(self) -> str | None:
        given = self.params.get("api_base") or self.params.get("base_url")
        return given if isinstance(given, str) else None


def _entries(made: ImportedConfig, models: list[Any]) -> Iterator[_Entry]:
    for number, entry in enumerate(models):
        place = f"model_list[{number}]"
        given = entry if isinstance(entry, Mapping) else {}
        params = given.get("litellm_params")
        if not isinstance(params, Mapping) or not isinstance(params.get("model"), str):
            made.left_out.append(f"{place}: it has no `litellm_params.model`.")
            continue
        unknown = sorted(set(map(str, params)) - TAKEN_PARAMS)
        if unknown:
            made.left_out.append(f"{place}.litellm_params: {_named(unknown)}.")
        yield _Entry(place, str(given.get("model_name") or params["model"]), params)


@dataclass(frozen=True, slots=True)
class _Deployments:
    """Their deployments as targets of our routes; providers are added where there is none that is known."""

    made: ImportedConfig
    registry: Mapping[str, Provider]
    entries: tuple[_Entry, ...]

    def groups(self) -> Mapping[str, list[Json]]:
        """The targets of each model group."""
        found: dict[str, list[Json]] = {}
        plain = {provider.name for provider in map(self._own, self.entries) if provider is not None}
        for entry in self.entries:
            target = self._target(entry, plain)
            if target is not None:
                found.setdefault(entry.group, []).append(target)
        return found

    def _own(self, entry: _Entry) -> Provider | None:
        """The provider of an entry that uses it as the registry has it."""
        provider, _ = self._provider(entry)
        return provider if provider is not None and not _own_settings(provider, entry) else None

    def _provider(self, entry: _Entry) -> tuple[Provider | None, str]:
        prefix, slash, rest = str(entry.params["model"]).partition("/")
        if not slash:
            return self.registry.get("openai"), prefix
        return find_provider(self.registry, prefix.removesuffix("_chat")), rest

    def _target(self, entry: _Entry, plain: set[str]) -> Json | None:
        provider, model = self._provider(entry)
        if provider is None:
            self.made.left_out.append(
                f"{entry.place}: the provider of {entry.params['model']!r} is not known here; "
                "if it speaks OpenAI's API, add it with its `base_url`."
            )
            return None
        name = self._name(provider, entry, plain)
        if model == "*":
            if entry.group not in {"*", f"{provider.name}/*"}:
                self.made.left_out.append(f"{entry.place}: a wildcard needs no route; write {name}/MODEL.")
            return None
        return {"model": f"{name}/{model}", "weight": entry.params.get("weight") or entry.params.get("rpm") or 1}

    def _name(self, provider: Provider, entry: _Entry, plain: set[str]) -> str:
        """The provider's own name, or another one where two would have different settings under it."""
        settings = _own_settings(provider, entry)
        if not settings:
            return provider.name
        name, number = provider.name, 1
        while self.made.providers.get(name, settings) != settings or (name == provider.name and name in plain):
            number += 1
            host = urlsplit(str(settings.get("base_url", ""))).hostname or ""
            stem = host.partition(".")[0] if number == 2 and host and not host[0].isdigit() else str(number)  # noqa: PLR2004
            name = f"{provider.name}-{stem}"
            settings = {**_spoken(provider, entry), **settings}
        self.made.providers.setdefault(name, settings)
        return name


def _own_settings(provider: Provider, entry: _Entry) -> Json:
    """What an entry says of its provider that the registry does not."""
    settings: Json = {}
    if entry.base_url is not None and entry.base_url.rstrip("/") != provider.base_url:
        settings["base_url"] = _reference(entry.base_url).rstrip("/")
    key = entry.params.get("api_key")
    if isinstance(key, str) and key.removeprefix(ENVIRONMENT_PREFIX) not in provider.key_env:
        settings["api_key"] = _reference(key)
    if isinstance(entry.params.get("api_version"), str):
        settings["api_version"] = _reference(entry.params["api_version"])
    return settings


def _spoken(provider: Provider, entry: _Entry) -> Json:
    """How a provider is spoken to, for another one that is spoken to in the same way: also with its key."""
    spoken: Json = {
        "key_header": provider.key_header,
        "key_prefix": provider.key_prefix,
        "path_style": provider.path_style,
    }
    if entry.base_url is None:
        spoken |= {"base_url": provider.base_url, "dialects": sorted(provider.dialects)}
    key = entry.params.get("api_key")
    if isinstance(key, str):
        spoken["api_key"] = _reference(key)
    elif provider.key_env:
        spoken["api_key"] = f"${{{provider.key_env[0]}:-}}"
    return {name: value for name, value in spoken.items() if value}


def _add_routes(made: ImportedConfig, groups: Mapping[str, list[Json]], router: Json, general: Json) -> None:
    strategy = STRATEGIES.get(str(router.get("routing_strategy")))
    fallbacks = _fallbacks(router.get("fallbacks") or general.get("fallbacks"))
    default = router.get("default_fallbacks") or general.get("default_fallbacks") or ()
    for name, targets in groups.items():
        later = fallbacks.get(name, [str(model) for model in default if model != name])
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


def _add_retries(made: ImportedConfig, given: Json) -> None:
    for theirs, (ours, added) in COUNTED.items():
        if isinstance(given.get(theirs), (int, float)):
            made.retries[ours] = given[theirs] + added
    timeout = given.get("timeout", given.get("request_timeout"))
    if isinstance(timeout, (int, float)) and timeout > 0:
        made.limits["head_timeout_s"] = float(timeout)


def _not_taken(config: Mapping[str, Any], router: Json, general: Json) -> Iterator[str]:
    """The rest of the file, so that nobody believes that it is in force."""
    numbers = {*COUNTED, "timeout", "request_timeout"}
    for name, section, taken in (
        ("router_settings", router, TAKEN_ROUTER_SETTINGS | numbers),
        ("litellm_settings", general, TAKEN_SETTINGS | numbers | NEEDLESS),
    ):
        rest = sorted(set(section) - taken)
        if rest:
            yield f"{name}: {_named(rest)}."
    for name in sorted(map(str, set(config) - {"model_list", "router_settings", "litellm_settings"})):
        inner = config[name]
        yield f"{name}: {_named(sorted(map(str, inner)))}." if isinstance(inner, Mapping) and inner else f"{name}."


def _named(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fallbacks(given: object) -> dict[str, list[str]]:
    """From their list of one-entry tables."""
    tables = [table for table in given if isinstance(table, Mapping)] if isinstance(given, list) else []
    return {str(name): [str(model) for model in models] for table in tables for name, models in table.items()}


def _settings(config: Mapping[str, Any], name: str) -> Json:
    section = config.get(name)
    return dict(section) if isinstance(section, Mapping) else {}


def _reference(text: str) -> str:
    return f"${{{text.removeprefix(ENVIRONMENT_PREFIX)}}}" if text.startswith(ENVIRONMENT_PREFIX) else text
