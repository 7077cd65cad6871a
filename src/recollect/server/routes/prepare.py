"""``POST /v1/memory/prepare``: put memories into a request that the caller sends to a provider itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
from starlette.routing import Route

from recollect.domain.calls import PrepareCall
from recollect.domain.keys import MemoryMode
from recollect.errors import InvalidRequestError
from recollect.server.call import json_response, missing
from recollect.wire.json_document import JsonDocument
from recollect.wire.memory_objects import hit_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.calls import PrepareResult
    from recollect.server.call import Call, CallReader

CONVERSATION = ("messages", "input", "instructions")
FIELDS = frozenset(
    {
        *CONVERSATION,
        "max_tokens",
        "memory_max_tokens",
        "strategy",
        "as_of",
        "limit",
        "threshold",
        "filters",
        "timezone",
        "model",
        "metadata",
    }
)
MAX_TOKENS = 1_000_000
MAX_HITS = 1000


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def prepare(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=False)
        result = await call.gateway.calls.prepare(call.principal, parse(call))
        return json_response(_reply(result), request_id=result.trace_id)

    return [Route("/memory/prepare", prepare, methods=["POST"])]


def parse(call: Call) -> PrepareCall:
    """The call as the gateway takes it; the conversation stays as the client wrote it."""
    fields, controls = call.fields, call.controls
    if fields.has("messages") == fields.has("input"):
        if fields.has("input"):
            message = "Give `messages` or `input`, not both."
            raise InvalidRequestError(message, code="invalid_request", param="input")
        raise missing(param="messages")
    dialect = "chat/completions" if fields.has("messages") else "responses"
    if dialect == "chat/completions" and fields.has("instructions"):
        message = "`instructions` goes with `input`; with `messages`, use a system message."
        raise InvalidRequestError(message, code="invalid_request", param="instructions")
    conversation = ",".join(f'"{name}":{fields.raw(name)}' for name in CONVERSATION if fields.has(name))
    max_tokens = fields.whole("max_tokens", default=-1, least=0, most=MAX_TOKENS)
    threshold = fields.fraction("threshold")
    return PrepareCall(
        dialect=dialect,
        body=f"{{{conversation}}}".encode(),
        controls=replace(
            controls,
            user=call.user,
            project=None,
            mode=MemoryMode.FULL,
            max_tokens=controls.max_tokens if max_tokens < 0 else max_tokens,
            max_top_k=min(controls.max_top_k, MAX_HITS),
            min_top_k=min(controls.min_top_k, MAX_HITS),
            strategy=fields.strategy(controls.strategy),
            threshold=controls.threshold if threshold is None else threshold,
            timezone=fields.timezone(controls.timezone),
        ),
    )


def _reply(result: PrepareResult) -> dict[str, object]:
    """The conversation comes back as it is in the body: what was not edited has the client's own bytes."""
    document = JsonDocument.parse(result.body)
    conversation = {
        member.key: orjson.Fragment(document.text[member.value_start : member.value_end])
        for member in document.members
        if member.key in CONVERSATION
    }
    return {
        "object": "memory.prepare",
        "context": result.context,
        "memories": [hit_object(hit) for hit in result.hits],
        "tokens": result.tokens,
        **conversation,
        "session_id": result.session_id,
        "trace_id": result.trace_id,
    }
