"""``client.responses`` with memory keywords.

At run time the methods take what the SDK's take, and the memory keywords; the overloads say so to type checkers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, overload

from openai.resources.responses import responses
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)

from recollect.client.keywords import MemoryKeywords, RequestKeywords, carry
from recollect.client.remembering import asking_for_memories

if TYPE_CHECKING:
    from typing import Unpack

    from openai import AsyncOpenAI, AsyncStream, OpenAI, Stream
    from openai.lib.streaming.responses import (
        AsyncResponseStreamManager,
        ResponseStreamManager,
    )
    from openai.types.responses import ParsedResponse, Response, ResponseStreamEvent

    from recollect.client.memory_types import ReplyMetadata

    class ResponseReply(Response):
        """A response as type checkers see it."""

        metadata: ReplyMetadata

    class ParsedResponseReply(ParsedResponse[Any]):
        """A parsed response as type checkers see it."""

        metadata: ReplyMetadata


class ResponseKeywords(ResponseCreateParamsNonStreaming, MemoryKeywords, RequestKeywords, total=False):
    """Everything a call for one whole response takes."""


class ResponseStreamKeywords(ResponseCreateParamsStreaming, MemoryKeywords, RequestKeywords, total=False):
    """Everything a call for a streamed response takes."""


class Responses(responses.Responses):
    """``client.responses``: the SDK's, with memory."""

    def __init__(self, client: OpenAI) -> None:
        """Bind to a client."""
        super().__init__(client)
        self._post = asking_for_memories(self._post)

    @overload  # type: ignore[override]  # the SDK's keywords and ours, in two overloads instead of its three
    def create(self, **arguments: Unpack[ResponseStreamKeywords]) -> Stream[ResponseStreamEvent]: ...
    @overload
    def create(self, **arguments: Unpack[ResponseKeywords]) -> ResponseReply: ...
    def create(self, **arguments: Any) -> Any:
        """Create a response; a whole one carries ``metadata.memories``."""
        return super().create(**carry(arguments))

    def parse(self, **arguments: Any) -> ParsedResponseReply:
        """Create a response that is parsed into ``text_format``; it carries ``metadata.memories``."""
        return cast("ParsedResponseReply", super().parse(**carry(arguments)))

    def stream(self, **arguments: Any) -> ResponseStreamManager[Any]:
        """Stream a response as events."""
        return super().stream(**carry(arguments))


class AsyncResponses(responses.AsyncResponses):
    """As :class:`Responses`, awaited."""

    def __init__(self, client: AsyncOpenAI) -> None:
        """Bind to a client."""
        super().__init__(client)
        self._post = asking_for_memories(self._post)

    @overload  # type: ignore[override]  # the SDK's keywords and ours, in two overloads instead of its three
    async def create(self, **arguments: Unpack[ResponseStreamKeywords]) -> AsyncStream[ResponseStreamEvent]: ...
    @overload
    async def create(self, **arguments: Unpack[ResponseKeywords]) -> ResponseReply: ...
    async def create(self, **arguments: Any) -> Any:
        """Create a response; a whole one carries ``metadata.memories``."""
        return await super().create(**carry(arguments))

    async def parse(self, **arguments: Any) -> ParsedResponseReply:
        """Create a response that is parsed into ``text_format``; it carries ``metadata.memories``."""
        return cast("ParsedResponseReply", await super().parse(**carry(arguments)))

    def stream(self, **arguments: Any) -> AsyncResponseStreamManager[Any]:
        """Stream a response as events."""
        return super().stream(**carry(arguments))
