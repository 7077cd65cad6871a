"""How a parent process hands its settings, flags included, to the processes it starts."""

from __future__ import annotations

import os

from recollect.settings.environment import WORKER_VARIABLE
from recollect.settings.load import load_settings
from recollect.settings.schema import Settings


def export_for_workers(settings: Settings) -> None:
    """Put the settings into the environment that child processes inherit."""
    os.environ[WORKER_VARIABLE] = settings.model_dump_json()


def settings_of_worker() -> Settings:
    """What the parent exported; without a parent, what :func:`load_settings` finds."""
    exported = os.environ.get(WORKER_VARIABLE)
    return Settings.model_validate_json(exported) if exported else load_settings()
