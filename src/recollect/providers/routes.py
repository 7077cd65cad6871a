"""Names for sets of models: aliases, and routes with weights, an order or the least latency, and fallbacks."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from recollect.providers.health import Health

MAX_DEPTH = 8
"""An alias may lead to an alias, but not in circles."""


class Strategy(StrEnum):
    """Which target is tried first."""

    ORDER = "order"
    WEIGHTED = "weighted"
    LEAST_LATENCY = "least_latency"


@dataclass(frozen=True, slots=True)
class Target:
    """One way to answer: a model as ``provider/model``, and how often it is picked relative to the others.

    ``key_name`` and ``base_url`` pick one of several keys and base URLs of the provider, None its only one. ``owner``
    tells whose key is used ("": the gateway's): that somebody's key is spent says nothing of another's.
    """

    model: str
    weight: float = field(default=1.0, compare=False)
    key_name: str | None = None
    base_url: str | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """``targets`` are shared out by the strategy; ``fallbacks`` follow in their order when all of those have failed.

    A target with the route's own name is the model of that name. ``statuses`` are the replies after which the next
    target is tried, besides those worth a retry; None leaves that to the gateway's settings.
    """

    name: str
    targets: tuple[Target, ...]
    strategy: Strategy = Strategy.ORDER
    fallbacks: tuple[Target, ...] = ()
    statuses: frozenset[int] | None = None


Spread = Callable[[Target], Sequence[Target]]
"""A model's endpoints: several where its provider has several keys or base URLs."""


def _only(target: Target) -> Sequence[Target]:
    return (target,)


@dataclass(frozen=True, slots=True)
class RouteTable:
    """The routes of one gateway; a model that is none of their names is its own route."""

    routes: Mapping[str, ModelRoute]
    health: Health
    luck: Callable[[], float] = field(default=random.random)

    def plan(self, model: str, spread: Spread = _only) -> tuple[Target, ...]:
        """The targets to try, best first, each once. Never empty: resting ones come last rather than not at all."""
        route = self.routes.get(model)
        if route is None:
            ordered = self._endpoints(Target(model), spread)
        else:
            ordered = (*self._ordered(route, spread), *self._fallbacks(route, spread))
        unique = tuple(dict.fromkeys(ordered))
        if len(unique) == 1:
            return unique
        awake = [target for target in unique if self.health.is_available(target)]
        return (*awake, *(target for target in unique if target not in awake))

    def first(self, model: str) -> str:
        """The model that a route names first, whatever the strategy; a model that is no route itself."""
        route, depth = self.routes.get(model), 0
        while route is not None and depth < MAX_DEPTH:
            model = route.targets[0].model
            route, depth = self._inner(route, route.targets[0], depth), depth + 1
        return model

    def _inner(self, route: ModelRoute, target: Target, depth: int) -> ModelRoute | None:
        """The route that a target leads to; None where it is a model."""
        return self.routes.get(target.model) if target.model != route.name and depth < MAX_DEPTH else None

    def _ordered(self, route: ModelRoute, spread: Spread, depth: int = 0) -> Sequence[Target]:
        targets = self._leaves(route, route.targets, spread, depth)
        if route.strategy is Strategy.LEAST_LATENCY:
            return sorted(targets, key=lambda target: self.health.latency_s(target) or 0.0)
        return self._drawn(targets) if route.strategy is Strategy.WEIGHTED else targets

    def _drawn(self, targets: Sequence[Target]) -> Sequence[Target]:
        """Drawn by weight, without replacement: Efraimidis and Spirakis 2006 sort by luck ** (1 / weight)."""
        return sorted(targets, key=lambda target: self.luck() ** (1 / target.weight), reverse=True)

    def _fallbacks(self, route: ModelRoute, spread: Spread, depth: int = 0) -> Sequence[Target]:
        """The route's own, then those of the routes that it leads to."""
        found = list(self._leaves(route, route.fallbacks, spread))
        for target in (*route.targets, *route.fallbacks):
            inner = self._inner(route, target, depth)
            found.extend(() if inner is None else self._fallbacks(inner, spread, depth + 1))
        return found

    def _leaves(self, route: ModelRoute, targets: Sequence[Target], spread: Spread, depth: int = 0) -> Sequence[Target]:
        found: list[Target] = []
        for target in targets:
            inner = self._inner(route, target, depth)
            found.extend(self._endpoints(target, spread) if inner is None else self._ordered(inner, spread, depth + 1))
        return found

    def _endpoints(self, target: Target, spread: Spread) -> Sequence[Target]:
        """Those of one model, which share its load evenly."""
        several = spread(target)
        if len(several) == 1:
            return several
        return self._drawn([replace(one, weight=target.weight / len(several)) for one in several])


def parse_routes(table: Mapping[str, object]) -> Mapping[str, ModelRoute]:
    """Routes from settings.

    ``fast = "groq/llama"`` is an alias; ``fast = ["groq/llama", "openai/gpt"]`` an order; a table has ``models``
    (names, or tables with ``model``, ``weight`` and ``key``), ``strategy``, ``fallbacks`` and ``fallback_statuses``.
    SettingsError names the setting at fault.
    """
    routes = {name: _parse_route(name, value) for name, value in table.items()}
    for name in routes:
        _check_acyclic(routes, name, ())
    return MappingProxyType(routes)


def _parse_route(name: str, value: object) -> ModelRoute:
    place = f"routes.{name}"
    if isinstance(value, str):
        return ModelRoute(name, (Target(value),))
    if isinstance(value, Sequence):
        return ModelRoute(name, _parse_targets(place, value))
    if not isinstance(value, Mapping):
        raise _wrong(place, "a model, a list of models, or a table with `models`")
    unknown = set(value) - {"models", "strategy", "fallbacks", "fallback_statuses"}
    if unknown:
        raise _wrong(place, "a table of `models`, `strategy`, `fallbacks` and `fallback_statuses` only")
    strategy = value.get("strategy", "weighted" if _has_weights(value.get("models")) else "order")
    if strategy not in set(Strategy):
        raise _wrong(place, "a table whose `strategy` is `order`, `weighted` or `least_latency`")
    return ModelRoute(
        name,
        _parse_targets(f"{place}.models", value.get("models")),
        Strategy(strategy),
        _parse_targets(f"{place}.fallbacks", value["fallbacks"]) if value.get("fallbacks") else (),
        _parse_statuses(f"{place}.fallback_statuses", value["fallback_statuses"])
        if "fallback_statuses" in value
        else None,
    )


def _has_weights(models: object) -> bool:
    return isinstance(models, Sequence) and any(isinstance(item, Mapping) and "weight" in item for item in models)


def _parse_targets(place: str, value: object) -> tuple[Target, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not items:
        raise _wrong(place, "a list of models that is not empty")
    return tuple(_parse_target(place, item) for item in items)


def _parse_target(place: str, item: object) -> Target:
    if isinstance(item, str):
        return Target(item)
    if not isinstance(item, Mapping) or not isinstance(item.get("model"), str):
        raise _wrong(place, "models as text, or tables with `model`")
    weight, key = item.get("weight", 1.0), item.get("key")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise _wrong(place, "models whose `weight` is a number above 0")
    if key is not None and not isinstance(key, str):
        raise _wrong(place, "models whose `key` is the name of one")
    return Target(item["model"], float(weight), key)


def _parse_statuses(place: str, value: object) -> frozenset[int]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(place, "a list of HTTP statuses")
    if any(isinstance(one, bool) or not isinstance(one, int) or not 400 <= one <= 599 for one in value):  # noqa: PLR2004
        raise _wrong(place, "a list of HTTP statuses from 400 to 599")
    return frozenset(value)


def _check_acyclic(routes: Mapping[str, ModelRoute], name: str, above: tuple[str, ...]) -> None:
    if name in above or len(above) >= MAX_DEPTH:
        raise _wrong("routes." + above[0], "free of circles, but it leads to " + " → ".join((*above[1:], name)))
    route = routes[name]
    for target in (*route.targets, *route.fallbacks):
        if target.model in routes and target.model != name:
            _check_acyclic(routes, target.model, (*above, name))


def _wrong(setting: str, expected: str) -> SettingsError:
    return SettingsError(f"{setting}: must be {expected}.")
