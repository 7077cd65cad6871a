"""Where requests go: models and routes of router style, URLs of forward style."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import product
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from recollect.errors import RequestError, SettingsError
from recollect.providers.health import Health
from recollect.providers.routes import RouteTable, Target
from recollect.providers.routing import pick_provider, resolve_forward_style, route_to
from recollect.wire.headers import strip_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recollect.providers.allow_list import AllowList
    from recollect.providers.base import Provider, Route


MOST_KNOWN = 1000
MOST_KNOWN_CHARACTERS = 500
"""Clients may name any path, model and query, so what is remembered of them is bounded."""
MOST_NAME_CHARACTERS = 120
"""Of a model's name in a header: clients may name any."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of several keys and base URLs of a provider; None stands for its only one."""

    key_name: str | None
    base_url: str | None


class RouteQuestion(Protocol):
    """What routing depends on; ``forward_target`` is None in router style."""

    @property
    def path(self) -> str:
        """What stands behind ``/v1/``."""

    @property
    def query(self) -> str:
        """The raw query without our own parameters."""

    @property
    def model(self) -> str | None:
        """The model as the client wrote it."""

    @property
    def forward_target(self) -> str | None:
        """What stands behind ``/forward/``."""

    @property
    def provider_key(self) -> str | None:
        """The provider's key that came with the request."""

    @property
    def project_keys(self) -> Mapping[str, str]:
        """The keys of the project itself, by provider: they go before the gateway's."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer: its ``name`` for people (``openai/gpt-4o``), and the route, or why there is none."""

    name: str
    target: Target
    route: Route | None
    error: RequestError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The ways to try, best first; at least one of them has a route. ``statuses`` as in a ModelRoute."""

    ways: tuple[Way, ...]
    statuses: frozenset[int] | None = None

    @property
    def first(self) -> Route:
        """The route that is tried first."""
        for way in self.ways:
            if way.route is not None:
                return way.route
        message = "a plan has a way with a route"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class ProviderRouter:
    """Both styles behind one method, for the settings of one gateway.

    ``named_keys`` are the keys of providers that have several, by provider and name; ``endpoints`` what requests are
    spread over, as :func:`endpoints_of` gives it.
    """

    registry: Mapping[str, Provider]
    allow: AllowList
    default_provider: str
    environment_keys: Mapping[str, str]
    table: RouteTable = field(default_factory=lambda: RouteTable({}, Health()))
    named_keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    endpoints: Mapping[str, Sequence[Endpoint]] = field(default_factory=dict)
    _known: dict[tuple[str, str, str | None], Plan] = field(default_factory=dict, init=False, repr=False, compare=False)

    def plan(self, request: RouteQuestion) -> Plan:
        """Where to send it; raises RequestError where that cannot be told or is not allowed."""
        if request.forward_target is not None:
            return self._forward(request, request.forward_target)
        is_common = request.provider_key is None and not request.project_keys
        question = (request.path, request.query, request.model)
        known = self._known.get(question) if is_common else None
        if known is not None:
            return known
        plan, is_lasting = self._planned(request)
        if is_common and is_lasting and sum(map(len, filter(None, question))) <= MOST_KNOWN_CHARACTERS:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[question] = plan
        return plan

    def _planned(self, request: RouteQuestion) -> tuple[Plan, bool]:
        """The plan in router style, and whether it is the same each time."""
        model = request.model
        route = self.table.routes.get(model) if model else None
        if not model or (route is None and not self._is_spread(request, model)):
            return Plan((self._way(request, Target(model or ""), owns=True),)), True
        first = self._provider_of(request, self.table.first(model))
        targets = self.table.plan(model, partial(self._spread, request, first))
        ways = tuple(self._way_or_error(request, target, first) for target in targets)
        if all(way.route is None for way in ways) and ways[0].error is not None:
            raise ways[0].error
        return Plan(ways, route.statuses if route else None), False

    def resting(self) -> dict[str, int]:
        """How many upstreams are left alone for a while, because they failed: by provider, or host in forward style."""
        found: Counter[str] = Counter()
        for place in self.table.health.resting():
            model = place.model if isinstance(place, Target) else ""
            found[urlsplit(model).netloc if "://" in model else model.partition("/")[0]] += 1
        return dict(found)

    def check(self) -> None:
        """SettingsError where a route leads to a provider, or asks for a key, that nobody knows."""
        for route in self.table.routes.values():
            for target in (*route.targets, *route.fallbacks):
                if target.model == route.name or target.model not in self.table.routes:
                    self._check_target(route.name, target)

    def _check_target(self, route: str, target: Target) -> None:
        try:
            provider = pick_provider(self.registry, "", target.model, self.default_provider, self.environment_keys)[0]
        except RequestError as error:
            message = f"routes.{route}: {error.message}"
            raise SettingsError(message) from error
        if target.key_name is not None and target.key_name not in self.named_keys.get(provider.name, {}):
            message = (
                f"routes.{route}: {target.model} has no key named {target.key_name!r}. Give it a name in "
                f"`providers.{provider.name}.api_keys`."
            )
            raise SettingsError(message)

    def route(self, request: RouteQuestion) -> Route:
        """The first of the plan."""
        return self.plan(request).first

    def _is_spread(self, request: RouteQuestion, model: str) -> bool:
        provider = self._provider_of(request, model) if self.endpoints else None
        return provider is not None and provider.name in self.endpoints

    def _forward(self, request: RouteQuestion, forward_target: str) -> Plan:
        target, mark, query = forward_target.partition("?")
        query = strip_query(query) if mark else request.query
        route = resolve_forward_style(f"{target}?{query}" if query else target, allow=self.allow)
        return Plan((Way(urlsplit(route.url).netloc, Target(route.url), route),))

    def _spread(self, request: RouteQuestion, first: Provider | None, target: Target) -> Sequence[Target]:
        """The endpoints of a model; one where it cannot be told who serves it."""
        provider = self._provider_of(request, target.model)
        if provider is None:
            return (target,)
        owner = _owner(request, provider, owns=provider == first)
        wanted = None if owner else target.key_name
        found = [
            replace(target, key_name=None if owner else one.key_name, base_url=one.base_url, owner=owner)
            for one in self.endpoints.get(provider.name, ())
            if wanted is None or one.key_name == wanted
        ]
        return tuple(dict.fromkeys(found)) or (replace(target, key_name=wanted, owner=owner),)

    def _provider_of(self, request: RouteQuestion, model: str) -> Provider | None:
        try:
            return self._pick(request, model)[0]
        except RequestError:
            return None

    def _way_or_error(self, request: RouteQuestion, target: Target, first: Provider | None) -> Way:
        try:
            return self._way(request, target, owns=first == self._provider_of(request, target.model))
        except RequestError as error:
            return Way(target.model, target, None, error)

    def _way(self, request: RouteQuestion, target: Target, *, owns: bool) -> Way:
        """The way to a target; ``owns``: the request's own key is for its provider."""
        model = target.model or None
        provider, rest = self._pick(request, model)
        if target.base_url is not None:
            provider = replace(provider, base_url=target.base_url)
        key = _callers_key(request, provider, owns=owns) or self._own_key(provider, target.key_name)
        path = f"{request.path}?{request.query}" if request.query else request.path
        route = route_to(provider, path=path, model=model, rest=rest, key=key)
        if rest is None and request.model in self.table.routes:
            route = replace(route, model=model)
        return Way(_name(provider, rest or model, target), target, route)

    def _pick(self, request: RouteQuestion, model: str | None) -> tuple[Provider, str | None]:
        known = self.environment_keys
        if request.project_keys:
            known = {**known, **request.project_keys}
        return pick_provider(self.registry, request.path, model, self.default_provider, known)

    def _own_key(self, provider: Provider, name: str | None) -> str | None:
        return self.named_keys[provider.name][name] if name is not None else self.environment_keys.get(provider.name)


def _callers_key(request: RouteQuestion, provider: Provider, *, owns: bool) -> str | None:
    """The request's own key, or its project's. One that came with the request is for the provider that the route names
    first (``owns``), and never sent to another."""
    return (request.provider_key if owns else None) or request.project_keys.get(provider.name)


def _owner(request: RouteQuestion, provider: Provider, *, owns: bool) -> str:
    """Whose key it is, "" for the gateway's."""
    key = _callers_key(request, provider, owns=owns)
    return sha256(key.encode()).hexdigest()[:16] if key else ""


def endpoints_of(
    registry: Iterable[Provider], named_keys: Mapping[str, Mapping[str, str]]
) -> Mapping[str, Sequence[Endpoint]]:
    """What requests are spread over, by provider: every key at every base URL. Providers with one of each have none."""
    found: dict[str, Sequence[Endpoint]] = {}
    for provider in registry:
        keys: tuple[str | None, ...] = tuple(named_keys.get(provider.name, ())) or (None,)
        urls: tuple[str | None, ...] = provider.base_urls or (None,)
        if (keys, urls) != ((None,), (None,)):
            found[provider.name] = tuple(Endpoint(key, url) for key, url in product(keys, urls))
    return found


def _name(provider: Provider, model: str | None, target: Target) -> str:
    """``openai/gpt-4o``, with the name of the key and the host where there are several."""
    name = f"{provider.name}/{model[:MOST_NAME_CHARACTERS]}" if model else provider.name
    if target.key_name is not None:
        name = f"{name}#{target.key_name}"
    return name if target.base_url is None else f"{name}@{urlsplit(target.base_url).netloc}"
