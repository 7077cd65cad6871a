"""How a parent process hands its settings, flags included, to the processes it starts."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from recollect.settings.environment import WORKER_VARIABLE
from recollect.settings.load import load_settings
from recollect.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Given:
    """What a command line said: with it, the settings can be read again."""

    flags: Mapping[str, object] = field(default_factory=dict)
    config: Path | None = None

    def load(self) -> Settings:
        """The settings as they are now. SettingsError names what is wrong."""
        return load_settings(self.flags, config=self.config)


@dataclass(frozen=True, slots=True)
class Handed:
    """What a server process begins with; ``given`` None: its settings are never read again."""

    settings: Settings
    given: Given | None = None


def export_for_workers(settings: Settings, given: Given | None = None) -> None:
    """Put the settings into the environment that child processes inherit, and where they came from."""
    source = None if given is None else {"flags": dict(given.flags), "config": given.config}
    handed = {"settings": settings.model_dump(mode="json"), "given": source}
    os.environ[WORKER_VARIABLE] = json.dumps(handed, default=str)


def handed_to_worker() -> Handed:
    """What the parent exported; without a parent, what :func:`load_settings` finds."""
    exported = os.environ.get(WORKER_VARIABLE)
    if not exported:
        return Handed(load_settings(), Given())
    handed = json.loads(exported)
    settings, source = Settings.model_validate(handed["settings"]), handed["given"]
    if source is None:
        return Handed(settings)
    return Handed(settings, Given(source["flags"], Path(source["config"]) if source["config"] else None))
