"""Python clients: the OpenAI SDK with memory."""

from __future__ import annotations

from recollect.client.clients import AsyncRecollect, Recollect
from recollect.client.memory_types import Memory, ReplyMetadata

__all__ = ["AsyncRecollect", "Memory", "Recollect", "ReplyMetadata"]
