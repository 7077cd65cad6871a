"""Which limits hold for an exchange, and what is told of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recollect.domain.budgets import Charge, Limit, Measure, Scope, merge_limits
from recollect.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from recollect.domain.budgets import Standing
    from recollect.domain.usage import Payer
    from recollect.providers.base import Headers

Limits = tuple[Limit, ...]
LONGEST_RETRY_S = 60
"""What SDKs wait for by themselves; beyond, they are told not to try again."""
TOLD = (Measure.REQUESTS, Measure.TOKENS)
"""The measures that OpenAI has headers for."""


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """Limits from the settings: on each project, key, user and model, and on some by name, which go before those for
    each. Users and models are counted within their project; a model's name is ``provider/model``.
    """

    project: Limits = ()
    key: Limits = ()
    user: Limits = ()
    model: Limits = ()
    projects: Mapping[str, Limits] = field(default_factory=dict)
    users: Mapping[str, Limits] = field(default_factory=dict)
    models: Mapping[str, Limits] = field(default_factory=dict)

    @property
    def are_any(self) -> bool:
        """There is a limit on something."""
        return any((self.project, self.key, self.user, self.model, self.projects, self.users, self.models))

    def limits_on(self, tenant: str, payer: Payer, model: str, of_key: Limits) -> Iterator[tuple[Scope, Limit]]:
        """Every limit that holds for an exchange. ``tenant`` is the project of the key, whose parts share its budget;
        ``of_key`` are the key's own."""
        for kind, name, each, own in (
            ("project", "", self.project, self.projects.get(tenant, ())),
            ("key", payer.key, self.key if payer.key else (), of_key),
            ("user", payer.user, self.user, self.users.get(payer.user, ())),
            ("model", model, self.model, self.models.get(model, ())),
        ):
            if each or own:
                scope = Scope(kind, payer.project if kind == "user" else tenant, name)
                for limit in merge_limits(each, own):
                    yield scope, limit


def charges_for(limits: Sequence[tuple[Scope, Limit]], amounts: Mapping[Measure, int], at: datetime) -> list[Charge]:
    """What an exchange takes from each of its limits' windows."""
    return [Charge(scope, limit, *limit.period.window(at), amounts.get(limit.measure, 0)) for scope, limit in limits]


def corrections(charges: Sequence[Charge], amounts: Mapping[Measure, int]) -> Iterator[Charge]:
    """What turns charges by estimate into what was really taken."""
    for one in charges:
        yield replace(one, amount=amounts.get(one.limit.measure, 0) - one.amount)


def refusal(standings: Sequence[Standing], at: datetime) -> RateLimitedError | None:
    """The error for an exchange that a limit has no room for: of several, the one that lasts longest."""
    refused = [one for one in standings if not one.fits]
    if not refused:
        return None
    worst = max(refused, key=lambda one: one.charge.ends_at)
    charge = worst.charge
    left_s = max(1, math.ceil((charge.ends_at - at).total_seconds()))
    is_money = charge.limit.measure is Measure.USD
    what = "budget" if is_money else "limit"
    used = replace(charge.limit, most=worst.used)
    message = (
        f"The {what} of {charge.scope} is used up: {charge.limit}, of which {str(used).partition(' ')[0]} are used. "
        f"It begins anew at {charge.ends_at:%Y-%m-%dT%H:%M:%SZ}; who runs this gateway can raise it."
    )
    headers = [(b"retry-after", str(left_s).encode()), *limit_headers(standings, at, is_charged=False)]
    if left_s > LONGEST_RETRY_S:
        headers.append((b"x-should-retry", b"false"))
    if is_money:
        return RateLimitedError(message, code="budget_exceeded", headers=tuple(headers))
    return RateLimitedError(message, headers=tuple(headers))


def limit_headers(standings: Sequence[Standing], at: datetime, *, is_charged: bool) -> Headers:
    """OpenAI's headers, for the limit on requests and the one on tokens that has the least left."""
    headers: list[tuple[bytes, bytes]] = []
    for measure in TOLD:
        found = [one for one in standings if one.charge.limit.measure is measure]
        if found:
            tightest = min(found, key=lambda one: _left(one, is_charged=is_charged))
            values = (
                ("limit", str(tightest.charge.limit.most)),
                ("remaining", str(_left(tightest, is_charged=is_charged))),
                ("reset", _duration(tightest.charge.ends_at - at)),
            )
            headers += [(f"x-ratelimit-{name}-{measure}".encode(), value.encode()) for name, value in values]
    return tuple(headers)


def _left(standing: Standing, *, is_charged: bool) -> int:
    taken = standing.charge.amount if is_charged else 0
    return max(0, standing.charge.limit.most - standing.used - taken)


def _duration(time: timedelta) -> str:
    """As OpenAI writes it: ``6m0s``, ``1h2m3s``, ``17s``."""
    seconds = max(0, math.ceil(time.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds % 60}s"
