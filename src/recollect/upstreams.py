"""The way to the providers, from the settings: the registry, keys, routes, tries, and what is answered from a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.providers.allow_list import build_allow_list
from recollect.providers.caching import CachingUpstream
from recollect.providers.fallbacks import FallbackSender
from recollect.providers.health import Health, HealthPolicy
from recollect.providers.key_safe import KeySafe, new_secret
from recollect.providers.registry import find_provider, load_registry, with_overrides
from recollect.providers.response_cache import CachePolicy, ResponseCache
from recollect.providers.retries import RetryingUpstream, RetryPolicy
from recollect.providers.router import ProviderRouter, endpoints_of
from recollect.providers.routes import RouteTable, parse_routes
from recollect.settings import environment_keys

if TYPE_CHECKING:
    from recollect.providers.allow_list import AllowList
    from recollect.providers.base import Provider, Upstream
    from recollect.settings import Settings


MIB = 1024 * 1024


def registry_of(settings: Settings) -> dict[str, Provider]:
    """The providers that are known, with what the settings change in them."""
    overrides = {
        name: one.model_dump(exclude={"api_key", "api_keys"}, exclude_none=True)
        for name, one in settings.providers.items()
    }
    return dict(with_overrides(load_registry(), overrides))


def provider_keys(settings: Settings, registry: dict[str, Provider]) -> dict[str, str]:
    """Keys by provider: the settings' own before the environment's; of several, the first."""
    keys = environment_keys(registry.values())
    for name, one in settings.providers.items():
        provider = find_provider(registry, name)
        own = one.api_key or next(iter((one.api_keys or {}).values()), None)
        if own and provider is not None:
            keys[provider.name] = own
    return keys


def router_of(
    settings: Settings, registry: dict[str, Provider], allow: AllowList, keys: dict[str, str]
) -> ProviderRouter:
    """Where models and routes lead. SettingsError where a route asks for what is not there."""
    retries = settings.retries
    policy = HealthPolicy(retries.cooldown_failures, retries.cooldown_s, retries.cooldown_cap_s)
    table = RouteTable(parse_routes(settings.routes), Health(policy))
    named: dict[str, dict[str, str]] = {}
    for name, one in settings.providers.items():
        provider = find_provider(registry, name)
        if one.api_keys and provider is not None:
            named[provider.name] = {**({"default": one.api_key} if one.api_key else {}), **one.api_keys}
    router = ProviderRouter(
        registry, allow, settings.default_provider, keys, table, named, endpoints_of(registry.values(), named)
    )
    router.check()
    return router


def check_upstreams(settings: Settings) -> None:
    """SettingsError where a gateway would not start with these providers, routes and hosts."""
    registry = registry_of(settings)
    allow = build_allow_list(registry.values(), settings.allow_upstreams)
    router_of(settings, registry, allow, provider_keys(settings, registry))


def sender_of(settings: Settings, router: ProviderRouter, upstream: Upstream) -> FallbackSender:
    """How clients' requests are sent: again and elsewhere where they fail, and through the response cache."""
    retries = settings.retries
    policy = RetryPolicy(
        retries.tries, retries.base_s, retries.cap_s, retries.longest_retry_after_s, retries.deadline_s
    )
    return FallbackSender(
        RetryingUpstream(_answering(settings, upstream), policy),
        router.table.health,
        frozenset(retries.fallback_statuses),
    )


def open_safe(settings: Settings) -> KeySafe:
    """What seals projects' provider keys: by the settings' secret, or by one in a file that is made when it is needed.

    SettingsError where neither can be used. A store that forgets is sealed by a secret that is forgotten with it.
    """
    if settings.secret_key:
        return KeySafe.from_texts(settings.secret_key)
    return (
        KeySafe.from_texts([new_secret()])
        if settings.store.kind == "memory"
        else KeySafe.from_file(settings.secret_path)
    )


def _answering(settings: Settings, upstream: Upstream) -> Upstream:
    response_cache = settings.response_cache
    if not response_cache.is_on:
        return upstream
    return CachingUpstream(upstream, ResponseCache(CachePolicy(response_cache.ttl_s, response_cache.max_mb * MIB)))
