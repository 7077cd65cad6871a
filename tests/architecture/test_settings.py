"""A setting that nothing reads is a promise that nobody keeps."""

from __future__ import annotations

import re

from recollect.settings import settings_table
from tests.architecture.tree import modules

READ_BY_PROPERTIES = {"store.path"}  # by Settings.database_path
READ_AS_A_WHOLE = ("providers.", "prices.")  # a provider's settings are laid over its registry entry, whatever they are
SHORT_NAMES = {
    "embedder": "chosen",
    "cors": "settings",
    "extractor": "wanted",
    "projects.NAME": "project",
}  # how the composition root calls a section at hand


def test_every_setting_has_an_effect() -> None:
    text = "\n".join(one.path.read_text("utf-8") for one in modules() if not one.name.startswith("settings/"))
    idle = []
    for row in settings_table():
        section, _, leaf = row.name.rpartition(".")
        owners = {section or "settings", SHORT_NAMES.get(section, section or "settings")}
        if not row.name.startswith(READ_AS_A_WHOLE) and not any(
            re.search(rf"\b{owner}\.{leaf}\b", text) for owner in owners
        ):
            idle.append(row.name)
    assert set(idle) - READ_BY_PROPERTIES == set()
