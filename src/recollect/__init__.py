"""Recollect: a self-hosted, OpenAI-compatible memory gateway.

``Recollect`` and ``AsyncRecollect`` are the OpenAI SDK's clients with memory. Names are imported when they are
first used, so that ``import recollect`` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recollect.client import AsyncRecollect, Recollect
    from recollect.errors import RecollectError, SettingsError

__version__ = "0.1.0"

__all__ = [
    "AsyncRecollect",
    "Recollect",
    "RecollectError",
    "SettingsError",
    "__version__",
]

_HOMES = {
    "AsyncRecollect": "recollect.client",
    "Recollect": "recollect.client",
    "RecollectError": "recollect.errors",
    "SettingsError": "recollect.errors",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the name stands for
    """Import a public name on first use."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
