"""Records of requests as JSON text, without loss: what the database keeps beside the columns that it looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.domain.requests import Attempt, RequestRecord
from recollect.domain.usage import Cost, Usage

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import ProjectId, TraceId

_COLUMNS = frozenset({"id", "project", "started_at"})
_PLAIN = tuple(
    name
    for name in RequestRecord._fields
    if name not in _COLUMNS | {"memories", "cost", "attempts", "stage_ms", "stage_at_ms"}
)


def encode_record(record: RequestRecord) -> str:
    """Everything but the id, the project and the time. What a client may have sent is kept as far as JSON can."""
    document: dict[str, object] = {
        name: value for name in _PLAIN if (value := getattr(record, name)) not in (None, False)
    }
    document["stage_ms"] = {name: round(value, 3) for name, value in record.stage_ms.items()}
    document["stage_at_ms"] = {name: round(value, 3) for name, value in record.stage_at_ms.items()}
    if record.memories:
        document["memories"] = record.memories
    if record.cost is not None:
        document["cost"] = record.cost
    if record.attempts:
        document["attempts"] = record.attempts
    return orjson.dumps(document).decode()


def decode_record(identifier: TraceId, project: ProjectId, started_at: datetime, text: str) -> RequestRecord:
    """The inverse of :func:`encode_record`. Names that it does not know are left out: a newer version's."""
    document: dict[str, Any] = orjson.loads(text)
    fields = {name: document[name] for name in _PLAIN if name in document}
    return RequestRecord(
        id=identifier,
        project=project,
        started_at=started_at,
        **fields,
        stage_ms=document.get("stage_ms", {}),
        stage_at_ms=document.get("stage_at_ms", {}),
        memories=tuple(document.get("memories", ())),
        cost=_cost(document["cost"]) if "cost" in document else None,
        attempts=tuple(Attempt(**one) for one in document.get("attempts", ())),
    )


def _cost(document: dict[str, Any]) -> Cost:
    return Cost(**{**document, "usage": Usage(**document["usage"])})
