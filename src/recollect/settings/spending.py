"""Settings of what exchanges cost, and of how much they may."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from recollect.domain.budgets import parse_limits
from recollect.settings.section import Section


class PriceSettings(Section):
    """What one model costs, in dollars for a million tokens."""

    input: float = Field(ge=0, description="tokens that are sent")
    output: float = Field(ge=0, description="tokens that come back")
    cached: float | None = Field(default=None, ge=0, description="sent tokens that were in the provider's cache")
    cache_write: float | None = Field(default=None, ge=0, description="sent tokens that were written to that cache")
    request: float | None = Field(default=None, ge=0, description="dollars for each request")


class CostSettings(Section):
    """Counting what exchanges take."""

    asks_for_usage: Literal["never", "router", "always"] = Field(
        default="router",
        description="whose streams are asked for their count of tokens: `router` style's, `always` (where the "
        "provider is known to understand it), or `never`",
    )


class BudgetSettings(Section):
    """What may be taken: limits as `60 requests/minute`, `200000 tokens/day`, `5 usd/month`."""

    project: tuple[str, ...] = Field(default=(), description="limits on each project")
    key: tuple[str, ...] = Field(default=(), description="limits on each memory key, unless it has its own")
    user: tuple[str, ...] = Field(default=(), description="limits on each user of a project")
    model: tuple[str, ...] = Field(default=(), description="limits on each model, for each project")
    projects: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="limits on projects by name, before those on each"
    )
    users: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="limits on users by name, before those on each"
    )
    models: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="limits on models by name (`provider/model`), before those on each"
    )
    reserved_output_tokens: int = Field(
        default=1000,
        ge=0,
        description="what a reply is taken to need until it is counted, unless the request bounds it lower",
    )

    @field_validator("project", "key", "user", "model")
    @classmethod
    def _check_limits(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_limits(value)
        return value

    @field_validator("projects", "users", "models")
    @classmethod
    def _check_named_limits(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for limits in value.values():
            parse_limits(limits)
        return value
