"""Where the log goes: one line an event to standard error, never with the text of a message."""

from __future__ import annotations

import logging

_NOISE = frozenset(
    {
        "ASGI callable returned without completing response.",
        "Unsupported upgrade request.",
    }
)
"""What uvicorn says of replies that are broken off on purpose, and of upgrades that are refused with 426."""


class Quiet(logging.Filter):
    """Drops lines that tell of nothing wrong, and the traces of requests that were cancelled at the end of a drain."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record."""
        if record.exc_info and isinstance(record.exc_info[1], BaseException):
            return type(record.exc_info[1]).__name__ != "CancelledError"
        return record.getMessage() not in _NOISE and not str(record.msg).startswith("No supported WebSocket library")


def logging_config(level: str) -> dict[str, object]:
    """The ``logging.config`` dictionary of a server process; ``level`` as in the setting ``log_level``."""
    chosen = level.upper()
    library = "DEBUG" if chosen == "DEBUG" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "filters": {"quiet": {"()": Quiet}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "line",
                "filters": ["quiet"],
            }
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "recollect": {"level": chosen},
            "uvicorn": {"level": library},
            "aiohttp": {"level": "ERROR"},
            "asyncio": {"level": "ERROR"},
        },
    }
