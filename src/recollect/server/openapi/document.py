"""Every route, as an OpenAPI 3.1 document."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from recollect.domain.standing import Wanted
from recollect.server.openapi.knowledge_schemas import ATTRIBUTE
from recollect.server.openapi.parts import Schema, choice, flag, free, moment, ref, text, whole
from recollect.server.openapi.schemas import components
from recollect.server.openapi.shared import ADDRESS


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: ``reply`` and ``body`` name schemas; ``query`` has parameters besides the ones of every call."""

    method: str
    path: str
    summary: str
    reply: str
    body: str | None = None
    query: tuple[str, ...] = ()
    status: str = "200"


CHOICES = ("kind", "status", "as_of", "known_at", "subject", "attribute", "entity", "category", "is_pinned")
MEMORY_OPERATIONS = (
    Operation("post", "/v1/memory/ingest", "Store messages", "IngestReply", "IngestRequest"),
    Operation("post", "/v1/memory/search", "Rank a vault against a question", "SearchReply", "SearchRequest"),
    Operation("post", "/v1/memory/prepare", "Put memories into a request", "PrepareReply", "PrepareRequest"),
    Operation("get", "/v1/memory/memories", "List memories", "MemoryList", query=("limit", "after", *CHOICES)),
    Operation("post", "/v1/memory/memories", "Add a memory", "Memory", "MemoryRequest", status="201"),
    Operation("get", "/v1/memory/memories/{memory_id}", "Get a memory", "Memory"),
    Operation("patch", "/v1/memory/memories/{memory_id}", "Edit, pin or expire a memory", "Memory", "MemoryRequest"),
    Operation("delete", "/v1/memory/memories/{memory_id}", "Delete a memory", "MemoryDeleted", query=("with_sources",)),
    Operation("get", "/v1/memory/memories/{memory_id}/history", "Every version of a memory", "MemoryList"),
    Operation("post", "/v1/memory/memories/{memory_id}/feedback", "Judge a memory", "Memory", "FeedbackRequest"),
    Operation(
        "get",
        "/v1/memory/graph",
        "Entities and how they are linked",
        "Graph",
        query=("entity", "to", "depth", "status", "as_of", "limit"),
    ),
    Operation("get", "/v1/memory/conflicts", "Contradictions that wait for an answer", "ConflictList"),
    Operation(
        "post", "/v1/memory/conflicts/{conflict_id}", "Settle a contradiction", "ConflictResolved", "ConflictAnswer"
    ),
    Operation("post", "/v1/memory/reprocess", "Derive memories anew", "Reprocessed", "ReprocessRequest", status="202"),
    Operation("get", "/v1/memory/sessions", "List sessions, newest first", "SessionList", query=("limit", "after")),
    Operation("get", "/v1/memory/sessions/{name}", "Get a session", "Session"),
    Operation(
        "get", "/v1/memory/sessions/{name}/messages", "Messages of a session", "MessageList", query=("limit", "before")
    ),
    Operation(
        "post",
        "/v1/memory/sessions/{name}/process",
        "Have a session read now",
        "Processed",
        "ProcessRequest",
        status="202",
    ),
    Operation("get", "/v1/memory/sessions/{name}/summary", "The summary of a session", "Memory"),
    Operation("get", "/v1/memory/users", "List users", "UserList", query=("limit", "after")),
    Operation("get", "/v1/memory/users/{user}", "Get a user", "User"),
    Operation("delete", "/v1/memory/users/{user}", "Erase a user; the reply is a receipt", "UserDeleted"),
    Operation("get", "/v1/memory/stats", "Sizes and backlog", "Stats"),
    Operation(
        "get",
        "/v1/memory/usage",
        "What exchanges took, by day or by whom",
        "UsageList",
        query=("first_day", "last_day", "group_by", "key", "model"),
    ),
    Operation("get", "/v1/memory/traces/{trace_id}", "Why something was recalled", "Trace"),
    Operation(
        "get",
        "/v1/memory/requests",
        "What was asked of which model, newest first",
        "RequestList",
        query=("limit", "after", "model", "http_status", "from", "until"),
    ),
    Operation("get", "/v1/memory/requests/{request_id}", "One request, and what it took", "Request"),
    Operation(
        "post", "/v1/memory/replay", "The same request with other memory, side by side", "Replay", "ReplayRequest"
    ),
    Operation("post", "/v1/memory/keys", "Create a memory key", "NewKey", "KeyRequest", status="201"),
    Operation("get", "/v1/memory/keys", "List memory keys", "KeyList"),
    Operation("delete", "/v1/memory/keys/{key_id}", "Revoke a memory key", "Deleted"),
    Operation("get", "/v1/memory/providers", "List the project's own provider keys", "ProviderKeyList"),
    Operation(
        "post",
        "/v1/memory/providers",
        "Give the project its own key for a provider",
        "ProviderKey",
        "NewProviderKey",
        status="201",
    ),
    Operation(
        "put",
        "/v1/memory/providers/{provider}",
        "Set or replace the project's key for a provider",
        "ProviderKey",
        "ProviderKeyRequest",
    ),
    Operation("delete", "/v1/memory/providers/{provider}", "Forget the project's key for a provider", "Deleted"),
    Operation("get", "/v1/memory/jobs", "List dead letters", "JobList", query=("limit",)),
    Operation("post", "/v1/memory/jobs/replay", "Try dead letters again", "Replayed", "ReplayRequest"),
)
OPERATIONS = (
    Operation("get", "/", "Where things are", "Root"),
    Operation("get", "/healthz", "The process answers", "Health"),
    Operation("get", "/readyz", "Requests are served with memory", "Ready"),
    Operation("get", "/metrics", "Counters in Prometheus's text format", "Document"),
    Operation("get", "/openapi.json", "This document", "Document"),
)
OPENAI_ROUTES = (
    ("post", "/v1/chat/completions", "Chat completions, with memory"),
    ("post", "/v1/responses", "Responses, with memory"),
    ("post", "/v1/completions", "Completions, with memory"),
    ("post", "/v1/messages", "Anthropic's messages, with memory"),
    ("post", "/v1/messages/count_tokens", "Anthropic's count of tokens, passed through"),
    ("post", "/v1/embeddings", "Embeddings, passed through"),
    ("get", "/v1/models", "The models of every provider that has a key"),
    ("get", "/v1/models/{model}", "One model"),
    ("post", "/forward/{url}", "The same, of the provider whose URL is given"),
)
"""OpenAI's own bodies, described at https://platform.openai.com/docs/api-reference, and Anthropic's, described at
https://platform.claude.com/docs/en/api/messages. All else under ``/v1`` passes."""
ANTHROPIC_ROOT = "/v1/messages"
_PARAMETERS: dict[str, Schema] = {
    "limit": whole("size of the page", minimum=1, maximum=1000),
    "after": text("the last id of the page before"),
    "first_day": text("the first day, as 2026-05-01; or a time"),
    "last_day": text("the last day, included"),
    "group_by": text("one or more of day, key, user, provider and model, separated by commas; day by default"),
    "key": text("a key's id: only what this key took"),
    "before": text("id of the oldest message of the page before"),
    "kind": choice("memory", "summary", "passage", description="only these; all of them where it is left out"),
    "status": choice(
        *Wanted, description="`open`: what is so or will be; the default, but with `as_of` it is `current`"
    ),
    "as_of": moment("what was so then, by what is known now"),
    "known_at": moment("by what was believed then"),
    "subject": text("memories about somebody"),
    "attribute": {**ATTRIBUTE, "description": "memories of an attribute"},
    "entity": text("memories that are about, or name, an entity (its name or an alias)"),
    "category": text("memories of a category"),
    "is_pinned": flag("memories that are pinned, or are not"),
    "to": text("another entity: the ways from one to the other"),
    "depth": whole("hops around the entity", minimum=0, maximum=3, default=1),
    "model": text("of one model, as the provider spells it"),
    "http_status": text("a status as 429, a class as 5xx, or `error`"),
    "from": moment("requests that began then or later"),
    "until": moment("requests that began before"),
    "with_sources": flag("also delete the messages that it rests on, with all that only they support"),
}

_SPELLED = {"http_status": "status", "until": "to", "first_day": "from", "last_day": "to"}
"""Parameters that mean something else in another route."""


def openapi_document() -> Schema:
    """The document."""
    paths: dict[str, dict[str, Schema]] = {}
    for operation in (*MEMORY_OPERATIONS, *OPERATIONS):
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    for method, path, summary in OPENAI_ROUTES:
        paths.setdefault(path, {})[method] = _passed_through(method, path, summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recollect",
            "version": _version(),
            "description": "An OpenAI-compatible memory gateway.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"memoryKey": []}, {"bearer": []}, {}],
        "paths": paths,
        "components": {
            "schemas": components(),
            "securitySchemes": {
                "memoryKey": {"type": "apiKey", "in": "header", "name": "X-Memory-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _described(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": _identifier(operation.method, operation.path),
        "summary": operation.summary,
        "tags": ["memory" if operation.path.startswith("/v1/memory") else "operations"],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation)],
        "responses": {operation.status: _reply(operation), "default": _json(ref("Error"), "An error, as OpenAI's")},
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, **_content(ref(operation.body))}
    return described


def _passed_through(method: str, path: str, summary: str) -> Schema:
    is_anthropic = path.startswith(ANTHROPIC_ROOT)
    docs = "platform.claude.com/docs/en/api/messages" if is_anthropic else "platform.openai.com/docs/api-reference"
    described: Schema = {
        "operationId": _identifier(method, path),
        "summary": summary,
        "tags": ["openai"],
        "parameters": _path_parameters(path),
        "externalDocs": {"url": f"https://{docs}"},
        "responses": {
            "200": _json(free("the provider's own reply, or its event stream"), "The provider's reply"),
            "default": _json(ref("Error"), "An error, the provider's or ours"),
        },
    }
    if method == "post":
        described["requestBody"] = {"required": True, **_content(free("the provider's body, with our controls beside"))}
    return described


def _reply(operation: Operation) -> Schema:
    if operation.path == "/metrics":
        return {"description": "Counters", "content": {"text/plain": {"schema": text()}}}
    return _json(ref(operation.reply), operation.summary)


def _json(schema: Schema, description: str) -> Schema:
    return {"description": description, **_content(schema)}


def _content(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _path_parameters(path: str) -> list[Schema]:
    names = [step[1:-1] for step in path.split("/") if step.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": text()} for name in names]


def _query_parameters(operation: Operation) -> list[Schema]:
    if not operation.path.startswith("/v1/memory") or operation.body is not None:
        return []
    known = {**ADDRESS, **{_SPELLED.get(name, name): _PARAMETERS[name] for name in operation.query}}
    taken = {step[1:-1] for step in operation.path.split("/") if step.startswith("{")}
    return [{"name": name, "in": "query", "schema": schema} for name, schema in known.items() if name not in taken]


def _identifier(method: str, path: str) -> str:
    words = [step.strip("{}").replace(".", "_") for step in path.split("/") if step not in {"", "v1"}]
    return "_".join([method, *words]) if words else f"{method}_root"


def _version() -> str:
    try:
        return version("recollect")
    except PackageNotFoundError:
        return "0"
