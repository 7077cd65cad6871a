"""What chat and responses have in common: ask for the recalled memories, and put them on the reply."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from recollect.client.memory_types import ReplyMetadata

if TYPE_CHECKING:
    from collections.abc import Callable

VERBOSE = {"X-Memory-Verbose": "true"}


def with_memories(reply: Any, parse: Callable[[Any], Any] | None = None) -> Any:
    """A complete reply with ``metadata.memories``, handed to ``parse`` if any; a stream as it is.

    The memories leave the fields before the SDK parses: it would find them ill-typed there.
    """
    if not isinstance(reply, (ChatCompletion, Response)):
        return reply if parse is None else parse(reply)
    sent = getattr(reply, "metadata", None)
    metadata = ReplyMetadata(sent if isinstance(sent, dict) else None)
    reply.metadata = metadata
    parsed = reply if parse is None else parse(reply)
    parsed.metadata = metadata
    return parsed


def asking_for_memories(post: Callable[..., Any]) -> Callable[..., Any]:
    """The SDK's ``post``, asking for memories where the reply is not streamed."""

    def remembering_post(path: str, **arguments: Any) -> Any:
        if not arguments.get("stream"):
            options = dict(arguments.get("options") or {})
            options["headers"] = {**VERBOSE, **(options.get("headers") or {})}
            options["post_parser"] = functools.partial(with_memories, parse=options.get("post_parser"))
            arguments["options"] = options
        return post(path, **arguments)

    return remembering_post
