"""How the memory keywords of a call travel: as fields of its body, which the gateway takes out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict  # the SDK's TypedDicts, which these extend, are of this module

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai._types import Body, Headers, Query

    from recollect.client.http_flavour import httpx

BODY_FIELDS: Mapping[str, str] = {
    "user_id": "user_id",
    "agent_id": "agent_id",
    "run_id": "run_id",
    "session_id": "session_id",
    "filters": "filters",
    "limit": "limit",
    "memory_mode": "memory_mode",
    "memory_metadata": "memory_metadata",
    "max_memory_tokens": "memory_max_tokens",
}
"""Keyword of a call → field of the request body."""


class MemoryKeywords(TypedDict, total=False):
    """What a call may say to memory, all of it optional.

    ``user_id`` names the vault. ``run_id`` and ``session_id`` both name the session. ``filters`` restrict
    recall to messages with that metadata, ``limit`` is the largest number of passages to inject,
    ``max_memory_tokens`` the largest block. ``memory_metadata`` is stored with the call's messages.
    """

    user_id: str | None
    agent_id: str | None
    run_id: str | None
    session_id: str | None
    filters: Mapping[str, object] | None
    limit: int | None
    memory_mode: str | None
    memory_metadata: Mapping[str, object] | None
    max_memory_tokens: int | None


class RequestKeywords(TypedDict, total=False):
    """What every method of the SDK takes."""

    extra_headers: Headers | None
    extra_query: Query | None
    extra_body: Body | None
    timeout: float | httpx.Timeout | None


def carry(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call with the memory keywords moved into ``extra_body``, where the caller's own fields win."""
    kept = {name: value for name, value in arguments.items() if name not in BODY_FIELDS}
    fields = {
        BODY_FIELDS[name]: value for name, value in arguments.items() if name in BODY_FIELDS and value is not None
    }
    if fields:
        kept["extra_body"] = {**fields, **(kept.get("extra_body") or {})}
    return kept


def carry_chat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As :func:`carry`; ``metadata`` means the messages' unless the provider is asked to store the completion.

    The chat API itself accepts ``metadata`` only together with ``store=True``.
    """
    moved = dict(arguments)
    if moved.get("store") is not True and isinstance(moved.get("metadata"), dict):
        moved.setdefault("memory_metadata", moved.pop("metadata"))
    return carry(moved)
