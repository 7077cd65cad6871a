"""What was found, and edits, as JSON text without loss: what a database keeps."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from recollect.domain.edits import Edit, EditKind, Feedback
from recollect.domain.ids import ConflictId, MemoryId, MessageNumber
from recollect.domain.memories import (
    Attribute,
    Change,
    Claim,
    Entity,
    Evidence,
    Extraction,
    Relation,
    SessionSummary,
)


def encode_found(found: Extraction) -> str:
    """An extraction but for what was dropped, which is counted beside it."""
    summary = found.summary
    return _text(
        {
            "claims": [_claim(one) for one in found.claims],
            "entities": [[one.name, list(one.mentions), list(one.aliases)] for one in found.entities],
            "relations": [_relation(one) for one in found.relations],
            "summary": summary and {"of": _spots(summary.sentences), "short": summary.short, "long": summary.long},
        }
    )


def decode_found(text: str, dropped: str) -> Extraction:
    """The inverse of :func:`encode_found`."""
    document = json.loads(text)
    summary = document["summary"]
    return Extraction(
        claims=tuple(map(_read_claim, document["claims"])),
        entities=tuple(
            Entity(name, tuple(map(MessageNumber, mentions)), tuple(aliases))
            for name, mentions, aliases in document["entities"]
        ),
        relations=tuple(map(_read_relation, document["relations"])),
        summary=summary and SessionSummary(_evidence(summary["of"]), summary["short"], summary["long"]),
        dropped=json.loads(dropped),
    )


def encode_edit(edit: Edit) -> str:
    """An edit."""
    return _text(
        {
            "kind": edit.kind.value,
            "at": edit.at.isoformat(),
            "memory": edit.memory,
            "claim": edit.claim and _claim(edit.claim),
            "expires_at": _time(edit.expires_at),
            "feedback": edit.feedback,
            "conflict": edit.conflict,
            "told": edit.told,
        }
    )


def decode_edit(text: str) -> Edit:
    """The inverse of :func:`encode_edit`."""
    document = json.loads(text)
    memory, feedback, conflict = document["memory"], document["feedback"], document["conflict"]
    told = document.get("told")
    return Edit(
        kind=EditKind(document["kind"]),
        at=datetime.fromisoformat(document["at"]),
        memory=None if memory is None else MemoryId(memory),
        claim=None if document["claim"] is None else _read_claim(document["claim"]),
        expires_at=_read_time(document["expires_at"]),
        feedback=None if feedback is None else Feedback(feedback),
        conflict=None if conflict is None else ConflictId(conflict),
        told=None if told is None else MessageNumber(told),
    )


def _claim(claim: Claim) -> dict[str, object]:
    return _without_defaults(
        {
            "subject": claim.subject,
            "attribute": claim.attribute.value,
            "value": claim.value,
            "of": _spots(claim.evidence),
            "stated_at": _time(claim.stated_at),
            "change": claim.change.value,
            "valid_from": _time(claim.valid_from),
            "valid_to": _time(claim.valid_to),
            "denied": claim.denied,
            "is_quotation": claim.is_quotation or None,
            "category": claim.category or None,
            "recorded_at": _time(claim.recorded_at),
        }
    )


def _read_claim(document: dict[str, Any]) -> Claim:
    return Claim(
        subject=document["subject"],
        attribute=Attribute(document["attribute"]),
        value=document["value"],
        evidence=_evidence(document["of"]),
        stated_at=datetime.fromisoformat(document["stated_at"]),
        change=Change(document["change"]),
        valid_from=_read_time(document.get("valid_from")),
        valid_to=_read_time(document.get("valid_to")),
        denied=document.get("denied"),
        is_quotation=document.get("is_quotation", False),
        category=document.get("category", ""),
        recorded_at=_read_time(document.get("recorded_at")),
    )


def _relation(one: Relation) -> dict[str, object]:
    return _without_defaults(
        {
            "subject": one.subject,
            "relation": one.relation,
            "object": one.object,
            "of": _spots(one.evidence),
            "stated_at": _time(one.stated_at),
            "change": one.change.value,
            "valid_from": _time(one.valid_from),
            "valid_to": _time(one.valid_to),
            "recorded_at": _time(one.recorded_at),
        }
    )


def _read_relation(document: dict[str, Any]) -> Relation:
    return Relation(
        subject=document["subject"],
        relation=document["relation"],
        object=document["object"],
        evidence=_evidence(document["of"]),
        stated_at=datetime.fromisoformat(document["stated_at"]),
        change=Change(document["change"]),
        valid_from=_read_time(document.get("valid_from")),
        valid_to=_read_time(document.get("valid_to")),
        recorded_at=_read_time(document.get("recorded_at")),
    )


def _spots(evidence: tuple[Evidence, ...]) -> list[list[object]]:
    return [[one.message, one.start, one.end, one.quote] for one in evidence]


def _evidence(spots: list[list[Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(MessageNumber(number), start, end, quote) for number, start, end, quote in spots)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _without_defaults(document: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in document.items() if value is not None}


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
