"""A setting that nothing reads is a promise that nobody keeps."""

from __future__ import annotations

import re

from recollect.settings import settings_table
from tests.architecture.tree import modules

READ_AS_A_WHOLE = "providers."  # a provider's settings are laid over its registry entry, whatever they are


def test_every_setting_has_an_effect() -> None:
    text = "\n".join(one.path.read_text("utf-8") for one in modules() if not one.name.startswith("settings/"))
    idle = [
        row.name
        for row in settings_table()
        if not row.name.startswith(READ_AS_A_WHOLE)
        and not re.search(rf"\.{re.escape(row.name.rpartition('.')[2])}\b", text)
    ]
    assert idle == []
