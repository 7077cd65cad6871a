"""Identifiers. Each is a distinct type, so that one cannot be passed for another.

A message's id is content-addressed: ``sha256(parent id ‖ identity)[:16]`` where the parent of the
first message of a session is that session's root, and the identity is the hash of role and
canonical content (and of the caller's own id or time, where an ingested message has one). Re-sending
a history therefore names the same messages again, and an edited or regenerated message names a new one
beside the old: a branch.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import NewType

ProjectId = NewType("ProjectId", str)
KeyId = NewType("KeyId", str)
VaultId = NewType("VaultId", int)
"""A small integer that the store hands out: it leads every primary key."""
SessionName = NewType("SessionName", str)
"""What the client calls the session, or ``ses_…`` where the gateway named it."""
SessionNumber = NewType("SessionNumber", int)
"""The session's number within its vault, from 1."""
MessageId = NewType("MessageId", bytes)
"""16 bytes; spelled ``msg_<hex>`` on the wire."""
MessageNumber = NewType("MessageNumber", int)
"""The message's number within its vault, from 1, in order of capture."""
Fingerprint = NewType("Fingerprint", bytes)
"""16 bytes over role and canonical content, the same wherever the message stands."""
Lineage = NewType("Lineage", bytes)
"""16 bytes over every message of a request up to and including one: names a place in a history."""
TraceId = NewType("TraceId", str)
JobId = NewType("JobId", int)
MemoryId = NewType("MemoryId", str)
"""``mem_`` and 16 hexadecimal digits, the same for the same subject, attribute and first value, whenever derived."""
ConflictId = NewType("ConflictId", str)
"""``cfl_`` and 16 hexadecimal digits."""

ID_BYTES = 16
REQUEST_BYTES = 6
DRAWN_AT_ONCE = 256


def digest16(*parts: bytes) -> bytes:
    """First 16 bytes of the SHA-256 over length-prefixed parts (no two part lists collide by joining)."""
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()[:ID_BYTES]


def session_root(session: SessionName) -> MessageId:
    """The parent of a session's first message."""
    return MessageId(digest16(b"session", session.encode()))


def message_id(parent: MessageId, identity: Fingerprint) -> MessageId:
    """The content address of a message that follows ``parent``."""
    return MessageId(digest16(b"message", parent, identity))


def next_lineage(before: Lineage | None, fingerprint: Fingerprint) -> Lineage:
    """The lineage of a message that follows ``before`` in a request (None: it is the first)."""
    return Lineage(digest16(b"lineage", before or b"", fingerprint))


def message_id_text(identifier: MessageId) -> str:
    """``msg_`` and 32 hexadecimal digits."""
    return f"msg_{identifier.hex()}"


def parse_message_id(text: str) -> MessageId | None:
    """The inverse of :func:`message_id_text`; None where the text is not one."""
    try:
        raw = bytes.fromhex(text.removeprefix("msg_"))
    except ValueError:
        return None
    return MessageId(raw) if text.startswith("msg_") and len(raw) == ID_BYTES else None


def memory_id(subject: str, attribute: str, key: str, count: int) -> MemoryId:
    """The id of the ``count``-th memory of this subject and attribute that began with this value."""
    parts = (part.encode("utf-8", "surrogatepass") for part in (subject, attribute, key))
    return MemoryId(f"mem_{digest16(b'memory', *parts, str(count).encode()).hex()[:16]}")


def conflict_id(first: MemoryId, second: MemoryId) -> ConflictId:
    """The id of a contradiction of two memories, whichever is named first."""
    return ConflictId(f"cfl_{digest16(b'conflict', *(one.encode() for one in sorted((first, second)))).hex()[:16]}")


def new_id(prefix: str) -> str:
    """A random identifier with 96 bits of entropy: ``<prefix>_<24 hex digits>``."""
    return f"{prefix}_{secrets.token_hex(12)}"


class RequestIds:
    """``req_`` and 24 hexadecimal digits: the milliseconds since 1970, and 48 random bits. The log of requests is kept
    in the order of these, and so grows at its end.

    The bits are drawn many at a time: while the system is asked for them other threads run, and a request waits. One
    instance is for one process: a fork would draw the same again.
    """

    __slots__ = ("_drawn",)

    def __init__(self) -> None:
        """Draw none yet."""
        self._drawn: list[str] = []

    def next(self) -> TraceId:
        """The id of a request that begins now."""
        if not self._drawn:
            self._drawn = secrets.token_bytes(DRAWN_AT_ONCE * REQUEST_BYTES).hex(" ", REQUEST_BYTES).split(" ")
        return TraceId(f"req_{time.time_ns() // 1_000_000:012x}{self._drawn.pop()}")
