"""One line a request: what was asked of whom, and what it took. Never what was said."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from recollect.server.logs import FIELDS

if TYPE_CHECKING:
    from recollect.domain.requests import RequestRecord
    from recollect.server.ports import Message
    from recollect.server.reply import AsgiReply

logger = logging.getLogger("recollect.access")


def log_access(scope: Message, surface: str, reply: AsgiReply, took_s: float) -> None:
    """Log one request. Paths without their query string, which may hold what people wrote."""
    method, path = scope.get("method", "WEBSOCKET"), raw_path(scope).decode("latin-1")
    fields: dict[str, object] = {
        "surface": surface,
        "status": reply.status,
        "bytes": reply.bytes_sent,
        "ms": round(took_s * 1000, 1),
        **(_of_exchange(reply.record) if reply.record else {}),
    }
    text = " ".join(f"{name}={_plain(value)}" for name, value in fields.items())
    logger.info("%s %s %s", method, path, text, extra={FIELDS: {"method": method, "path": path, **fields}})


def raw_path(scope: Message) -> bytes:
    """The path as it was sent."""
    raw = scope.get("raw_path")
    return raw if isinstance(raw, bytes) else quote(str(scope["path"])).encode()


def _of_exchange(record: RequestRecord) -> dict[str, object]:
    usage = record.cost.usage if record.cost else None
    fields: dict[str, object | None] = {
        "id": record.id,
        "error": record.error,
        "provider": record.provider,
        "model": record.model,
        "key": record.key_id,
        "user": record.pseudonym,
        "memory": record.memory,
        "memories": len(record.memories) or None,
        "memory_tokens": record.memory_tokens or None,
        "cache": record.cache,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _plain(value: object) -> str:
    """The value as one word: what clients send (a model's name) must not begin a line of its own."""
    text = str(value)
    return text if text.isascii() and text.isprintable() and " " not in text else orjson.dumps(text).decode()
