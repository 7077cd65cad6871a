"""Records of requests as JSON text, without loss: what the database keeps beside the columns that it looks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from recollect.domain.requests import Attempt, RequestRecord
from recollect.domain.usage import Cost, Usage
from recollect.stores.text import storable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import ProjectId, TraceId

_COLUMNS = frozenset({"id", "project", "started_at"})
_PLAIN = tuple(
    name
    for name in RequestRecord._fields
    if name not in _COLUMNS | {"memories", "cost", "attempts", "stage_ms", "stage_at_ms"}
)
_USUAL = tuple(map(RequestRecord._field_defaults.get, RequestRecord._fields))
_USUAL_USAGE = Usage()
_PER_MS = 1000


def encode_record(record: RequestRecord) -> str:
    """Everything but the id, the project and the time, and but what is as usual. What a client may have sent is kept as
    far as JSON can; times of stages to a microsecond."""
    document = _unusual(RequestRecord._fields, record, _USUAL)
    for name in _COLUMNS:
        document.pop(name, None)
    document["stage_ms"] = {name: int(value * _PER_MS) / _PER_MS for name, value in record.stage_ms.items()}
    document["stage_at_ms"] = {name: int(value * _PER_MS) / _PER_MS for name, value in record.stage_at_ms.items()}
    if record.cost is not None:
        provider, model, usage, nano_usd = record.cost
        counts = _unusual(Usage._fields, usage, _USUAL_USAGE)
        document["cost"] = {"provider": provider, "model": model, "usage": counts, "nano_usd": nano_usd}
    if record.attempts:
        document["attempts"] = [
            {"name": name, "outcome": outcome, "took_ms": took_ms} for name, outcome, took_ms in record.attempts
        ]
    try:
        return orjson.dumps(document).decode()
    except TypeError:  # a lone surrogate, in the model's name that a client chose
        return storable(json.dumps(document, ensure_ascii=False))


def _unusual(names: Sequence[str], values: Sequence[object], usual: Sequence[object]) -> dict[str, object]:
    return {name: value for name, value, one in zip(names, values, usual, strict=True) if value is not one}


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
