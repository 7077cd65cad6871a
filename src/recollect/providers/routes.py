"""Names for sets of models: aliases, and routes with weights, an order or the least latency, and fallbacks."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

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

    ``key_name`` picks one of several keys of the provider, None its only one.
    """

    model: str
    weight: float = 1.0
    key_name: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """``targets`` are shared out by the strategy; ``fallbacks`` follow in their order when all of those have failed."""

    name: str
    targets: tuple[Target, ...]
    strategy: Strategy = Strategy.ORDER
    fallbacks: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTable:
    """The routes of one gateway; a model that is none of their names is its own route."""

    routes: Mapping[str, ModelRoute]
    health: Health
    luck: Callable[[], float] = field(default=random.random)

    def plan(self, model: str) -> tuple[Target, ...]:
        """The targets to try, best first, each once. Never empty: resting ones come last rather than not at all."""
        route = self.routes.get(model)
        if route is None:
            return (Target(model),)
        ordered = (*self._ordered(route), *self._fallbacks(route))
        unique = tuple(dict.fromkeys(ordered))
        awake = [target for target in unique if self.health.is_available(target)]
        return (*awake, *(target for target in unique if target not in awake))

    def _ordered(self, route: ModelRoute, depth: int = 0) -> Sequence[Target]:
        targets = self._leaves(route.targets, depth)
        if route.strategy is Strategy.LEAST_LATENCY:
            return sorted(targets, key=lambda target: self.health.latency_s(target) or 0.0)
        if route.strategy is Strategy.WEIGHTED:
            # Efraimidis and Spirakis 2006: sorting by luck ** (1 / weight) draws by weight, without replacement.
            return sorted(targets, key=lambda target: self.luck() ** (1 / target.weight), reverse=True)
        return targets

    def _fallbacks(self, route: ModelRoute, depth: int = 0) -> Sequence[Target]:
        """The route's own, then those of the routes that it leads to."""
        found = list(self._leaves(route.fallbacks))
        for target in (*route.targets, *route.fallbacks):
            inner = self.routes.get(target.model) if depth < MAX_DEPTH else None
            found.extend(() if inner is None else self._fallbacks(inner, depth + 1))
        return found

    def _leaves(self, targets: Sequence[Target], depth: int = 0) -> Sequence[Target]:
        found: list[Target] = []
        for target in targets:
            inner = self.routes.get(target.model) if depth < MAX_DEPTH else None
            found.extend((target,) if inner is None else self._ordered(inner, depth + 1))
        return found


def parse_routes(table: Mapping[str, object]) -> Mapping[str, ModelRoute]:
    """Routes from settings.

    ``fast = "groq/llama"`` is an alias; ``fast = ["groq/llama", "openai/gpt"]`` an order; a table has ``models``
    (names, or tables with ``model``, ``weight`` and ``key``), ``strategy`` and ``fallbacks``. SettingsError names the
    setting at fault.
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
    unknown = set(value) - {"models", "strategy", "fallbacks"}
    if unknown:
        raise _wrong(place, "a table of `models`, `strategy` and `fallbacks` only")
    strategy = value.get("strategy", "weighted" if _has_weights(value.get("models")) else "order")
    if strategy not in set(Strategy):
        raise _wrong(place, "a table whose `strategy` is `order`, `weighted` or `least_latency`")
    return ModelRoute(
        name,
        _parse_targets(f"{place}.models", value.get("models")),
        Strategy(strategy),
        _parse_targets(f"{place}.fallbacks", value["fallbacks"]) if value.get("fallbacks") else (),
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


def _check_acyclic(routes: Mapping[str, ModelRoute], name: str, above: tuple[str, ...]) -> None:
    if name in above or len(above) >= MAX_DEPTH:
        raise _wrong("routes." + above[0], "free of circles, but it leads to " + " → ".join((*above[1:], name)))
    route = routes[name]
    for target in (*route.targets, *route.fallbacks):
        if target.model in routes:
            _check_acyclic(routes, target.model, (*above, name))


def _wrong(setting: str, expected: str) -> SettingsError:
    return SettingsError(f"{setting}: must be {expected}.")
