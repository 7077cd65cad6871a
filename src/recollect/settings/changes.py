"""What a running gateway does with other settings than those that it was started with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.settings.names import around, flattened, spelled

if TYPE_CHECKING:
    from recollect.settings.names import Name
    from recollect.settings.schema import Settings

NEEDS_RESTART = frozenset(
    {
        "host",
        "port",
        "workers",
        "data_dir",
        "store",
        "embedder",
        "limits.keep_alive_s",
        "limits.drain_s",
        "recall.cache_mb",
        "requests.retention_days",
        "traces.retention_days",
    }
)
"""Settings, and tables of settings, that are read when the gateway starts and at no other time."""


@dataclass(frozen=True, slots=True)
class Changes:
    """``settings`` are the new ones, but for what needs a restart; ``taken`` and ``postponed`` are names."""

    settings: Settings
    taken: tuple[str, ...]
    postponed: tuple[str, ...]


def changes(now: Settings, wanted: Settings) -> Changes:
    """What becomes of the wish for other settings."""
    before, after = dict(flattened(now.model_dump())), dict(flattened(wanted.model_dump()))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    postponed = [name for name in changed if needs_restart(name)]
    return Changes(
        settings=_kept(now, wanted),
        taken=tuple(spelled(name) for name in changed if name not in postponed),
        postponed=tuple(spelled(name) for name in postponed),
    )


def needs_restart(name: Name) -> bool:
    """The setting is read at the start only."""
    return not NEEDS_RESTART.isdisjoint(spelled(one) for one in around(name))


def _kept(now: Settings, wanted: Settings) -> Settings:
    """The wanted settings, with those of now where a change needs a restart."""
    update: dict[str, object] = {}
    for name in sorted(NEEDS_RESTART):
        section, _, field = name.rpartition(".")
        if section:
            kept = update.get(section, getattr(wanted, section))
            update[section] = kept.model_copy(update={field: getattr(getattr(now, section), field)})  # type: ignore[attr-defined]
        else:
            update[name] = getattr(now, name)
    return wanted.model_copy(update=update)
