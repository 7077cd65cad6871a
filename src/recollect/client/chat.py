"""``client.chat`` with memory keywords.

At run time the methods take what the SDK's take, and the memory keywords; the overloads say so to type checkers.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, overload

from openai.resources.chat import chat
from openai.resources.chat.completions import completions
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from recollect.client.keywords import MemoryKeywords, RequestKeywords, carry_chat
from recollect.client.remembering import asking_for_memories

if TYPE_CHECKING:
    from typing import Unpack

    from openai import AsyncOpenAI, AsyncStream, OpenAI, Stream
    from openai.lib.streaming.chat import (
        AsyncChatCompletionStreamManager,
        ChatCompletionStreamManager,
    )
    from openai.types.chat import ChatCompletion, ChatCompletionChunk, ParsedChatCompletion

    from recollect.client.memory_types import ReplyMetadata

    class ChatReply(ChatCompletion):
        """A completion as type checkers see it."""

        metadata: ReplyMetadata

    class ParsedChatReply(ParsedChatCompletion[Any]):
        """A parsed completion as type checkers see it."""

        metadata: ReplyMetadata


class ChatKeywords(CompletionCreateParamsNonStreaming, MemoryKeywords, RequestKeywords, total=False):
    """Everything a call for one whole completion takes."""


class ChatStreamKeywords(CompletionCreateParamsStreaming, MemoryKeywords, RequestKeywords, total=False):
    """Everything a call for a streamed completion takes."""


class Completions(completions.Completions):
    """``client.chat.completions``: the SDK's, with memory."""

    def __init__(self, client: OpenAI) -> None:
        """Bind to a client."""
        super().__init__(client)
        self._post = asking_for_memories(self._post)

    @overload  # type: ignore[override]  # the SDK's keywords and ours, in two overloads instead of its three
    def create(self, **arguments: Unpack[ChatStreamKeywords]) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(self, **arguments: Unpack[ChatKeywords]) -> ChatReply: ...
    def create(self, **arguments: Any) -> Any:
        """Create a completion; a whole one carries ``metadata.memories``."""
        return super().create(**carry_chat(arguments))

    def parse(self, **arguments: Any) -> ParsedChatReply:
        """Create a completion that is parsed into ``response_format``; it carries ``metadata.memories``."""
        return cast("ParsedChatReply", super().parse(**carry_chat(arguments)))

    def stream(self, **arguments: Any) -> ChatCompletionStreamManager[Any]:
        """Stream a completion as events."""
        return super().stream(**carry_chat(arguments))


class AsyncCompletions(completions.AsyncCompletions):
    """As :class:`Completions`, awaited."""

    def __init__(self, client: AsyncOpenAI) -> None:
        """Bind to a client."""
        super().__init__(client)
        self._post = asking_for_memories(self._post)

    @overload  # type: ignore[override]  # the SDK's keywords and ours, in two overloads instead of its three
    async def create(self, **arguments: Unpack[ChatStreamKeywords]) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(self, **arguments: Unpack[ChatKeywords]) -> ChatReply: ...
    async def create(self, **arguments: Any) -> Any:
        """Create a completion; a whole one carries ``metadata.memories``."""
        return await super().create(**carry_chat(arguments))

    async def parse(self, **arguments: Any) -> ParsedChatReply:
        """Create a completion that is parsed into ``response_format``; it carries ``metadata.memories``."""
        return cast("ParsedChatReply", await super().parse(**carry_chat(arguments)))

    def stream(self, **arguments: Any) -> AsyncChatCompletionStreamManager[Any]:
        """Stream a completion as events."""
        return super().stream(**carry_chat(arguments))


class Chat(chat.Chat):
    """``client.chat``."""

    @cached_property
    def completions(self) -> Completions:
        """Chat completions."""
        return Completions(self._client)


class AsyncChat(chat.AsyncChat):
    """``client.chat``, awaited."""

    @cached_property
    def completions(self) -> AsyncCompletions:
        """Chat completions."""
        return AsyncCompletions(self._client)
