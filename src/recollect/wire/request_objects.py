"""A request of the log as clients see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.memory_objects import time_text

if TYPE_CHECKING:
    from recollect.domain.requests import RequestRecord
    from recollect.domain.usage import Cost


def request_object(record: RequestRecord) -> dict[str, object]:
    """All that is known of it."""
    return {
        "id": record.id,
        "object": "request",
        "created_at": time_text(record.started_at),
        "took_ms": round(record.took_ms, 2),
        "method": record.method,
        "path": record.path,
        "status": record.status,
        "error": record.error,
        "provider": record.provider,
        "model": record.model,
        "response_model": record.response_model,
        "is_streamed": record.is_streamed,
        "finish_reason": record.finish_reason,
        "key_id": record.key_id,
        "user": record.user,
        "session_id": record.session,
        "agent_id": record.agent_id,
        "stage_ms": {name: round(value, 2) for name, value in record.stage_ms.items()},
        "memory": {
            "mode": record.mode,
            "status": record.memory,
            "stored": record.stored,
            "count": len(record.memories),
            "tokens": record.memory_tokens,
            "memories": list(record.memories),
        },
        "usage": usage_object(record.cost),
        "cost_usd": record.cost.usd if record.cost else None,
        "cache": record.cache,
        "upstream": [
            {"name": one.name, "outcome": one.outcome, "took_ms": round(one.took_ms, 2)} for one in record.attempts
        ],
    }


def usage_object(cost: Cost | None) -> dict[str, object] | None:
    """Tokens, as they were counted; None where nobody counted."""
    if cost is None:
        return None
    usage = cost.usage
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "is_estimated": usage.is_estimated,
    }
