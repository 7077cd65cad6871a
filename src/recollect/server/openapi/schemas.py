"""The objects of the memory surface, as JSON schemas."""

from __future__ import annotations

from recollect.server.openapi.knowledge_schemas import knowledge
from recollect.server.openapi.parts import (
    Schema,
    array,
    choice,
    flag,
    free,
    moment,
    nullable,
    number,
    page,
    record,
    ref,
    text,
    whole,
)
from recollect.server.openapi.shared import ABOUT, ADDRESS, BESIDE, HEAD, KIND, MODE, RECALL, STRATEGY

_SECRET = text("the key: stored encrypted, never shown again")


def components() -> dict[str, Schema]:
    """Every named schema."""
    return {**_requests(), **_memories(), **knowledge(), **_people(), **_operations()}


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
                "limits": array(text("what the key may take, as `5 usd/day` or `60 requests/minute`")),
                "project": text("another project than the caller's: from this machine only, while no key exists"),
            },
            is_open=False,
        ),
        "NewProviderKey": record(
            {**ADDRESS, "provider": text("the provider's name"), "key": _SECRET}, "provider", "key", is_open=False
        ),
        "ProviderKeyRequest": record({**ADDRESS, "key": _SECRET}, "key", is_open=False),
        "ReplayRequest": record({**ADDRESS, "limit": whole(minimum=1, maximum=1000)}, is_open=False),
    }


def _memories() -> dict[str, Schema]:
    hit = record(
        {**HEAD, "score": number(), **ABOUT, "tokens": whole(), "explain": free()}, "id", "object", "kind", "text"
    )
    return {
        "Hit": hit,
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
            {"id": text(), "object": choice("message"), "content": {}, "text": text(), **ABOUT, **BESIDE}, "id", "role"
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
        "limits": array(text()),
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
        "ProviderKey": record(
            {
                "id": text(),
                "object": choice("provider_key"),
                "provider": text("the registry's name"),
                "hint": text("its last characters"),
                "set_at": moment(),
            },
            "id",
            "object",
            "provider",
        ),
        "ProviderKeyList": page("ProviderKey"),
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
                "memories": whole("of a user: distilled, those of the past included"),
                "conflicts": whole("of a user: they wait for an answer"),
                "failed": whole(),
                "oldest_pending_at": nullable(moment()),
                "alarm": nullable(text()),
                "jobs": backlog,
                "usage": ref("Usage"),
            }
        ),
        "Usage": record(
            {
                "object": choice("usage"),
                **dict.fromkeys(("day", "key", "user", "provider", "model"), text("where it was asked for")),
                "requests": whole(),
                "input_tokens": whole("cached and written ones included"),
                "cached_tokens": whole(),
                "cache_write_tokens": whole(),
                "output_tokens": whole(),
                "cost_usd": {"type": "number"},
                "unpriced_requests": whole("whose model has no known price"),
                "estimated_requests": whole("whose tokens no provider counted"),
                "memory": free("the memory ledger: tokens injected and spared, cached with and without, net cost"),
            },
            "object",
            "requests",
            "cost_usd",
        ),
        "UsageList": record(
            {"object": choice("list"), "data": array(ref("Usage")), "total": ref("Usage")}, "data", "total"
        ),
        "Trace": free("candidates, raw signals, the gate's verdict, what was cut and why, the injected bytes"),
        "Request": _request(),
        **_replay(),
        "RequestList": page("Request"),
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


def _replay() -> dict[str, Schema]:
    changed = {"strategy": STRATEGY, "max_tokens": whole(minimum=0), "as_of": moment()}
    way = {"oneOf": [choice("none", "current", "then"), record(changed, is_open=False)]}
    memory = {
        "status": text("`X-Memory-Status`"),
        "tokens": whole(),
        "injected": nullable(text("the memory block")),
        "profile": nullable(text()),
        "memories": array(ref("Memory")),
    }
    answer = {
        "with": way,
        "status": whole("of the provider's reply, or of our error"),
        "error": nullable(text()),
        "message": nullable(text("what went wrong, if it was on our side")),
        "text": text(),
        "content": free("parts and tool calls, where the answer is more than text"),
        "finish_reason": nullable(text()),
        "usage": free(),
        "cost_usd": nullable(number()),
        "took_ms": number(),
        "memory": record(memory),
    }
    return {
        "ReplayRequest": record(
            {"request_id": text(), "with": array(way, "the ways of remembering; `none` and `current` by default")},
            "request_id",
        ),
        "Replay": record(
            {
                "object": choice("memory.replay"),
                "request": ref("Request"),
                "original": record({"text": text(), "finish_reason": nullable(text())}),
                "answers": array(record(answer)),
            },
            "object",
        ),
    }


def _request() -> Schema:
    memory = {
        "mode": MODE,
        "status": text("`X-Memory-Status`"),
        "stored": choice("yes", "spooled", "no"),
        "count": whole(),
        "tokens": whole(),
        "memories": array(text("id of a message, a memory or a summary")),
    }
    usage = {
        "input_tokens": whole(),
        "output_tokens": whole(),
        "cached_tokens": whole("those of the input that the provider had cached"),
        "cache_write_tokens": whole(),
        "is_estimated": flag("the provider told no numbers"),
    }
    return record(
        {
            "id": text("`X-Memory-Request-Id`"),
            "object": choice("request"),
            "created_at": moment(),
            "took_ms": number(),
            "method": text(),
            "path": text(),
            "status": whole("0 where the client left before the reply"),
            "error": nullable(text("our error code, `client_left` or `broken_off`")),
            "provider": nullable(text()),
            "model": nullable(text("as the provider spells it")),
            "response_model": nullable(text("the one that the provider says has answered")),
            "is_streamed": flag(),
            "finish_reason": nullable(text()),
            "key_id": nullable(text()),
            "user": nullable(text()),
            "session_id": nullable(text()),
            "agent_id": nullable(text()),
            "stage_ms": free("milliseconds, by stage"),
            "memory": record(memory),
            "usage": nullable(record(usage)),
            "cost_usd": nullable(number()),
            "cache": nullable(choice("hit", "miss")),
            "upstream": array(record({"name": text(), "outcome": text(), "took_ms": number()})),
        },
        "id",
        "object",
    )
