"""The objects of the memory surface, as JSON schemas."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def text(description: str = "", **more: object) -> Schema:
    """A string."""
    return {"type": "string", **({"description": description} if description else {}), **more}


def whole(description: str = "", **more: object) -> Schema:
    """An integer."""
    return {"type": "integer", **({"description": description} if description else {}), **more}


def number(description: str = "", **more: object) -> Schema:
    """A number."""
    return {"type": "number", **({"description": description} if description else {}), **more}


def flag(description: str = "", **more: object) -> Schema:
    """A boolean."""
    return {"type": "boolean", **({"description": description} if description else {}), **more}


def moment(description: str = "") -> Schema:
    """A time."""
    return text(description or "RFC 3339", format="date-time")


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def array(items: Schema, description: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def choice(*values: str, **more: object) -> Schema:
    """One of these strings."""
    return {"type": "string", "enum": list(values), **more}


def free(description: str = "") -> Schema:
    """Any object."""
    return {"type": "object", "additionalProperties": True, **({"description": description} if description else {})}


def record(properties: dict[str, Schema], *required: str, description: str = "", is_open: bool = True) -> Schema:
    """An object with these members. ``is_open``: others may come."""
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if not is_open:
        schema["additionalProperties"] = False
    if description:
        schema["description"] = description
    return schema


def ref(name: str) -> Schema:
    """One of :func:`components`, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page(of: str) -> Schema:
    """A page of a list."""
    return record(
        {
            "object": choice("list"),
            "data": array(ref(of)),
            "first_id": nullable(text()),
            "last_id": nullable(text("go on with `after` = this")),
            "has_more": flag(),
        },
        "object",
        "data",
        "has_more",
    )


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


def components() -> dict[str, Schema]:
    """Every named schema."""
    return {**_requests(), **_memories(), **_people(), **_operations()}


def _requests() -> dict[str, Schema]:
    message = record(
        {
            "role": choice("system", "developer", "user", "assistant", "tool"),
            "content": {"description": "text, or content parts as in chat completions"},
            "name": text("who is speaking"),
            "occurred_at": moment(),
            "id": text("the caller's own id: comes back as `external_id`, and stores the message once"),
            "metadata": free(),
            "memory": flag("`false` keeps this message out of the vault"),
        },
        "role",
        "content",
    )
    return {
        "IngestMessage": message,
        "IngestRequest": record(
            {
                **ADDRESS,
                "messages": array(ref("IngestMessage"), "oldest first"),
                "metadata": free("stored with every message"),
                "memory_metadata": free("the same as `metadata`"),
                "wait": flag("answer only when what was stored can be recalled with vectors"),
            },
            "messages",
            is_open=False,
        ),
        "SearchRequest": record(
            {
                **ADDRESS,
                **RECALL,
                "query": text(),
                "limit": whole(minimum=1, maximum=1000, default=10),
                "from": moment("only what occurred then or later"),
                "to": moment("only what occurred then or earlier"),
                "explain": flag("say why each hit is where it is"),
            },
            "query",
            is_open=False,
        ),
        "PrepareRequest": record(
            {
                **ADDRESS,
                **RECALL,
                "messages": array(free(), "a chat completions conversation; or give `input`"),
                "input": {"description": "a Responses input"},
                "instructions": text("goes with `input`"),
                "max_tokens": whole("size of the memory block", minimum=0),
                "memory_max_tokens": whole("the same as `max_tokens`", minimum=0),
                "limit": whole("at most so many memories", minimum=0),
                "model": text("not used; so that a request can be given as it is"),
                "metadata": free("not used here"),
            },
            is_open=False,
        ),
        "KeyRequest": record(
            {
                **ADDRESS,
                "kind": {**KIND, "default": "client"},
                "mode": {**MODE, "default": "full"},
                "name": text("for people to tell keys apart"),
                "project": text("another project than the caller's: from this machine only, while no key exists"),
            },
            is_open=False,
        ),
        "ReplayRequest": record({**ADDRESS, "limit": whole(minimum=1, maximum=1000)}, is_open=False),
    }


def _memories() -> dict[str, Schema]:
    about: dict[str, Schema] = {
        "role": text(),
        "name": nullable(text()),
        "occurred_at": moment(),
        "session_id": text(),
        "sources": array(record({"message_id": text(), "external_id": nullable(text()), "quote": text()})),
    }
    beside: dict[str, Schema] = {
        "agent_id": nullable(text()),
        "metadata": free(),
        "captured_at": moment(),
        "is_live": flag("`false` on a branch that an edit or a regeneration left behind"),
        "is_partial": flag("a reply that broke off"),
    }
    head: dict[str, Schema] = {
        "id": text("`msg_…`; a piece of a long message has its place behind a colon"),
        "object": choice("memory"),
        "kind": choice("passage", "memory", "summary"),
        "text": text(),
    }
    hit = record(
        {**head, "score": number(), **about, "tokens": whole(), "explain": free()}, "id", "object", "kind", "text"
    )
    return {
        "Hit": hit,
        "Memory": record({**head, **about, **beside}, "id", "object", "kind", "text"),
        "MemoryList": page("Memory"),
        "IngestReply": record(
            {
                "object": choice("memory.ingest"),
                "stored": whole("how many were new"),
                "duplicates": whole("how many were there already"),
                "session_id": text(),
                "indexed": flag("all of it can be recalled with vectors"),
            },
            "stored",
            "duplicates",
            "session_id",
            "indexed",
        ),
        "SearchReply": record(
            {
                "object": choice("list"),
                "data": array(ref("Hit"), "best first"),
                "took_ms": number(),
                "strategy": STRATEGY,
                "status": text(),
                "trace_id": text(),
                "explain": free("the gate's verdict and the time of each stage"),
            },
            "object",
            "data",
            "took_ms",
        ),
        "PrepareReply": record(
            {
                "object": choice("memory.prepare"),
                "context": text("the memory block; empty where nothing was relevant"),
                "memories": array(ref("Hit")),
                "tokens": whole("size of the block"),
                "messages": array(free(), "the conversation with the block in place"),
                "input": {"description": "the same, where `input` was given"},
                "instructions": text(),
                "session_id": text(),
                "trace_id": text(),
            },
            "context",
            "memories",
            "tokens",
            "trace_id",
        ),
        "Message": record(
            {"id": text(), "object": choice("message"), "content": {}, "text": text(), **about, **beside}, "id", "role"
        ),
        "MessageList": page("Message"),
    }


def _people() -> dict[str, Schema]:
    sizes: dict[str, Schema] = {"messages": whole(), "sessions": whole(), "last_active_at": nullable(moment())}
    session: dict[str, Schema] = {
        "id": text(),
        "object": choice("session"),
        "agent_id": nullable(text()),
        "started_at": moment(),
        "last_active_at": moment(),
        "messages": whole("on the live branch"),
    }
    key: dict[str, Schema] = {
        "id": text(),
        "object": choice("memory_key"),
        "project": text(),
        "kind": KIND,
        "mode": MODE,
        "user": nullable(text("the only user that a vault key opens")),
        "name": text(),
        "hint": text("the last characters of the secret"),
        "created_at": moment(),
        "revoked_at": nullable(moment()),
    }
    receipt = record({"user": text(), **sizes, "erased_at": moment(), "digest": text("SHA-256 over the message ids")})
    return {
        "Session": record(session, "id", "object"),
        "SessionList": page("Session"),
        "User": record({"id": text(), "object": choice("user"), "created_at": moment(), **sizes}, "id", "object"),
        "UserList": page("User"),
        "UserDeleted": record(
            {"id": text(), "object": choice("user.deleted"), "deleted": flag(), "receipt": receipt}, "id", "receipt"
        ),
        "Key": record(key, "id", "object"),
        "NewKey": record({**key, "key": text("the secret, `mk_…`: shown this once")}, "id", "key"),
        "KeyList": page("Key"),
        "Deleted": record({"id": text(), "object": text(), "deleted": flag()}, "id", "deleted"),
    }


def _operations() -> dict[str, Schema]:
    backlog = record(
        {"waiting": whole(), "leased": whole(), "dead": whole(), "oldest_waiting_at": nullable(moment())},
    )
    job: dict[str, Schema] = {
        "id": text(),
        "object": choice("job"),
        "kind": text(),
        "state": choice("waiting", "leased", "dead"),
        "attempts": whole(),
        "created_at": moment(),
        "messages": whole(),
        "last_error": text(),
    }
    return {
        "Stats": record(
            {
                "object": choice("stats"),
                "messages": whole(),
                "sessions": whole(),
                "indexed": whole(),
                "embedded": whole(),
                "extracted": free("messages read, by extractor"),
                "dropped": free("what extractors did not keep, by reason"),
                "sessions_due": whole(),
                "failed": whole(),
                "oldest_pending_at": nullable(moment()),
                "alarm": nullable(text()),
                "jobs": backlog,
            }
        ),
        "Trace": free("candidates, raw signals, the gate's verdict, what was cut and why, the injected bytes"),
        "Job": record(job, "id", "object"),
        "JobList": page("Job"),
        "Replayed": record({"object": choice("jobs.replay"), "replayed": whole()}, "replayed"),
        "Health": record({"status": text()}, "status"),
        "Ready": record(
            {
                "status": choice("ready", "not ready"),
                "embedder": text("the model's id, or `none`"),
                "recall": choice("full", "lexical"),
                "spooled": whole("captures that wait for the store"),
                "problems": array(text()),
                "notes": array(text()),
            },
            "status",
        ),
        "Root": free("where things are"),
        "Document": free("an OpenAPI document"),
        "Error": record(
            {
                "error": record(
                    {"message": text(), "type": text(), "param": nullable(text()), "code": text()},
                    "message",
                    "type",
                    "param",
                    "code",
                )
            },
            "error",
        ),
    }
