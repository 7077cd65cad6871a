"""Asking a language model on our own account: to extract, or to browse memories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A model asks for a tool; ``arguments`` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message to or from a model; ``answers`` is the id of the tool use that a tool's message answers."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    uses: tuple[ToolUse, ...] = ()
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a model may ask for; ``parameters`` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked. ``must_use`` names the tool that it has to use; ``answer_format`` is a chat completion's
    ``response_format``; ``most_tokens`` bounds the answer."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    must_use: str = ""
    answer_format: Mapping[str, object] | None = None
    most_tokens: int = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered; ``tokens`` of question and answer, None where it did not say; ``is_cut``: it was not
    allowed to finish."""

    text: str
    uses: tuple[ToolUse, ...] = ()
    tokens: int | None = None
    is_cut: bool = False


class ChatModel(Protocol):
    """One model of one endpoint."""

    @property
    def name(self) -> str:
        """The model's name, as it is shown."""

    async def ask(self, question: Question) -> Answer:
        """Ask once, for as long as the caller waits.

        ModelRefusedError where the endpoint answers with an error status, ModelReplyError where its answer is none,
        UpstreamConnectError, UpstreamTimeoutError or UpstreamBrokenError where it is away.
        """


def estimate_tokens(text: str) -> int:
    """An estimate on the safe side: a wide (CJK) character is a token, 3.6 others make one."""
    if text.isascii():
        return -int(-len(text) // 3.6)
    wide = sum(character > "\u2e7f" for character in text)
    return wide + -int(-(len(text) - wide) // 3.6)
