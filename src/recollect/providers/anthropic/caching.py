"""Which parts of a request Anthropic is to cache: what it caches has to be marked, and OpenAI's clients do not mark."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

MARK: Json = {"type": "ephemeral"}
FIELD = "cache_control"


def mark_prefix(chat: Json, request: Json) -> None:
    """Mark what the next request will probably begin with, unless the client marks anything itself.

    Always the system prompt, with the tools before it; and from the second turn on the newest message of the user's,
    because a conversation that went on goes on. What is shorter than the model's minimum is neither cached nor charged.
    ``cache_control`` beside ``messages`` is the client's word, too: passed on, or, where it is null, a no.
    """
    if FIELD in chat:
        if chat[FIELD] is not None:
            request[FIELD] = chat[FIELD]
        return
    turns = request["messages"]
    head = request.get("system") or request.get("tools") or []
    marked = (*request.get("system", ()), *request.get("tools", ()), *(b for turn in turns for b in turn["content"]))
    if any(FIELD in block for block in marked):
        return
    if head:
        head[-1] = {**head[-1], FIELD: MARK}
    if any(turn["role"] == "assistant" for turn in turns[:-1]):
        newest = next(turn for turn in reversed(turns) if turn["role"] == "user")["content"]
        newest[-1] = {**newest[-1], FIELD: MARK}
