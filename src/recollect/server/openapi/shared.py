"""Fields that come up in several schemas."""

from __future__ import annotations

from recollect.server.openapi.parts import Schema, array, choice, flag, free, moment, nullable, number, record, text

STRATEGY = choice("low_latency", "balanced", "agentic")
MODE = choice("full", "read", "write", "off", "shadow")
KIND = choice("client", "vault", "admin")
ADDRESS: dict[str, Schema] = {
    "user": text("whose memory; the key's own vault where it is left out"),
    "user_id": text("the same as `user`"),
    "safety_identifier": text("the same as `user`"),
    "session_id": text("the session; inferred where it is left out"),
    "run_id": text("the same as `session_id`"),
    "agent_id": text("the agent that is speaking"),
    "memory_mode": MODE,
}
"""Fields that every call of the memory surface understands."""
RECALL: dict[str, Schema] = {
    "strategy": STRATEGY,
    "filters": free("only messages whose metadata has these values"),
    "as_of": moment("recall as if it were then"),
    "threshold": number("the gate; higher is stricter", minimum=0, maximum=1),
    "timezone": text("IANA name in which dates of the query are meant"),
}
ABOUT: dict[str, Schema] = {
    "role": text(),
    "name": nullable(text()),
    "occurred_at": moment(),
    "session_id": text(),
    "sources": array(record({"message_id": text(), "external_id": nullable(text()), "quote": text()})),
}
"""Who said it, when, and where it is stored."""
BESIDE: dict[str, Schema] = {
    "agent_id": nullable(text()),
    "metadata": free(),
    "captured_at": moment(),
    "is_live": flag("`false` on a branch that an edit or a regeneration left behind"),
    "is_partial": flag("a reply that broke off"),
}
"""What else is kept with a message."""
HEAD: dict[str, Schema] = {
    "id": text("`msg_…`, `mem_…` or `sum_…`; a piece of a long message has its place behind a colon"),
    "object": choice("memory"),
    "kind": choice("passage", "memory", "summary"),
    "text": text(),
}
"""What every memory has, of whatever kind."""
