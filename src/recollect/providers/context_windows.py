"""How many tokens a model reads at once, by its name: the table ``context_windows.toml``."""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNSEEN = str.maketrans("", "", "-_")


@lru_cache(maxsize=1024)
def context_window(model: str) -> int | None:
    """The window in tokens, None for a model that the table does not know. The provider's prefix does not matter."""
    name = model.rpartition("/")[2].lower().translate(_UNSEEN)
    windows = _windows()
    return next((windows[name[:length]] for length in range(len(name), 0, -1) if name[:length] in windows), None)


@cache
def _windows() -> Mapping[str, int]:
    text = files(__package__).joinpath("context_windows.toml").read_text(encoding="utf-8")
    windows: dict[str, int] = tomllib.loads(text)["windows"]
    return windows
