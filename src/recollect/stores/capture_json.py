"""Captures as JSON text, without loss: what the spool keeps."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from recollect.domain.capture import After, AtHead, Capture, Injection
from recollect.domain.ids import Lineage, MessageId, MessageNumber, ProjectId, SessionName, TraceId
from recollect.domain.messages import NewMessage

_VERSION = 1


def encode_capture(capture: Capture) -> bytes:
    """One line of ASCII JSON without its newline. Lone surrogates survive as escapes."""
    anchor = capture.anchor
    document = {
        "version": _VERSION,
        "project": capture.project,
        "user": capture.user,
        "session": capture.session,
        "anchor": {"after": _hex(anchor.message)} if isinstance(anchor, After) else "head",
        "messages": [
            {**asdict(message), "occurred_at": message.occurred_at.isoformat()} for message in capture.messages
        ],
        "captured_at": capture.captured_at.isoformat(),
        "agent_id": capture.agent_id,
        "injection": None if capture.injection is None else _injection(capture.injection),
        "trace_id": capture.trace_id,
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def decode_capture(line: bytes) -> Capture:
    """The inverse of :func:`encode_capture`; ValueError where the line is not one."""
    try:
        return _decode(json.loads(line))
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a capture: {type(error).__name__}"
        raise ValueError(message) from error


def _decode(document: dict[str, Any]) -> Capture:
    if document["version"] != _VERSION:
        message = f"a capture of version {document['version']}"
        raise ValueError(message)
    anchor, injection = document["anchor"], document["injection"]
    after = None if anchor == "head" else anchor["after"]
    return Capture(
        project=ProjectId(document["project"]),
        user=document["user"],
        session=SessionName(document["session"]),
        anchor=AtHead() if anchor == "head" else After(None if after is None else MessageId(bytes.fromhex(after))),
        messages=tuple(
            NewMessage(**{**message, "occurred_at": datetime.fromisoformat(message["occurred_at"])})
            for message in document["messages"]
        ),
        captured_at=datetime.fromisoformat(document["captured_at"]),
        agent_id=document["agent_id"],
        injection=None
        if injection is None
        else Injection(
            lineage=Lineage(bytes.fromhex(injection["lineage"])),
            block=injection["block"],
            sources=tuple(map(MessageNumber, injection["sources"])),
            injected_at=datetime.fromisoformat(injection["injected_at"]),
        ),
        trace_id=None if document["trace_id"] is None else TraceId(document["trace_id"]),
    )


def _injection(injection: Injection) -> dict[str, object]:
    return {
        "lineage": injection.lineage.hex(),
        "block": injection.block,
        "sources": list(injection.sources),
        "injected_at": injection.injected_at.isoformat(),
    }


def _hex(message: MessageId | None) -> str | None:
    return None if message is None else message.hex()
