"""Where the log goes: one line an event to standard error, as text or as JSON, never with the text of a message."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import orjson

FIELDS = "fields"
"""The attribute of a log record that holds what a JSON line tells apart."""

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


class JsonLines(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``logger``, ``message``, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        own = getattr(record, FIELDS, None)
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **(own if isinstance(own, dict) else {"message": record.getMessage()}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def logging_config(level: str, form: str = "text") -> dict[str, object]:
    """The ``logging.config`` dictionary of a server process; ``level`` and ``form`` are the settings ``log_level`` and
    ``log_format``."""
    chosen = level.upper()
    library = "DEBUG" if chosen == "DEBUG" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": JsonLines},
        },
        "filters": {"quiet": {"()": Quiet}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": form,
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
