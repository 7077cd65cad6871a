"""What a request and a reply say, whatever the dialect: the values between wire and exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recollect.domain.ids import Fingerprint
    from recollect.domain.messages import Role
    from recollect.domain.usage import Usage
    from recollect.wire.json_document import JsonDocument


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message of a request, in the client's order, the text of its parts joined by newlines.

    ``content`` is None where the message is just ``text``; else JSON text: the parts as the client wrote them, or the
    text with its tool calls or tool call id in one canonical form, the same for what a client re-sends and what a
    provider replied. ``fingerprint`` is that of a ``NewMessage`` with this role, text and content.
    ``is_storable`` is false for harness text, ``memory: false``, and what has no role in a conversation
    (reasoning items, item references). ``can_hold_block``: an edit may add text to it.
    """

    role: Role
    text: str
    content: str | None
    fingerprint: Fingerprint
    name: str | None = None
    is_storable: bool = True
    can_hold_block: bool = True


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request as memory sees it.

    ``target`` is the index (into ``utterances``) of the last user message with text, None without one.
    ``ends_with_user`` is false inside a tool loop: no new block then. ``continues`` names the upstream's own
    state (``previous_response_id``, ``conversation``), which holds the earlier turns. ``is_side_call`` marks
    titles, tags, compaction, prewarming: neither injected into nor stored.
    """

    dialect: str
    model: str | None
    is_streamed: bool
    utterances: tuple[Utterance, ...] = ()
    target: int | None = None
    ends_with_user: bool = False
    continues: str | None = None
    wants_structure: bool = False
    is_side_call: bool = False


@dataclass(frozen=True, slots=True)
class PromptEdit:
    """What is to be changed in a request, everything else staying byte for byte.

    ``model``: the provider's own spelling, None leaves it. ``blocks``: text to put before the words of
    the utterance with that index. ``profile``: text to append to the system or developer message or ``instructions``.
    ``asks_usage``: a stream is to end with the provider's count of tokens.
    """

    model: str | None = None
    blocks: Mapping[int, str] = field(default_factory=dict)
    profile: str | None = None
    asks_usage: bool = False


@dataclass(frozen=True, slots=True)
class ReplyMessage:
    """What the assistant said: its text, and the JSON text of what is stored beside it (tool calls …), if any."""

    text: str
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as memory sees it. ``message`` is None where nothing was said (an error, a tool call without text
    is a message). ``is_partial``: it broke off, or ended without a terminal signal."""

    message: ReplyMessage | None = None
    is_partial: bool = False
    response_id: str | None = None
    conversation_id: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    error: str | None = None
    model: str | None = None


class ReplyReader(Protocol):
    """Listens to a reply's decoded bytes, cut anywhere. Never raises on what a provider sends."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""

    def finish(self, *, is_cut: bool) -> Reply:
        """The reply; ``is_cut`` where the bytes ended early."""


class Dialect(Protocol):
    """A wire protocol that carries a conversation."""

    @property
    def name(self) -> str:
        """The path behind the base URL: ``chat/completions``, ``responses``, ``completions``."""

    def read(self, body: JsonDocument) -> Prompt:
        """Read a request; InvalidRequestError names the field where memory cannot understand it."""

    def edit(self, body: JsonDocument, edit: PromptEdit) -> bytes:
        """The body with our own fields cut out and ``edit`` applied, by splicing."""

    def reply_reader(self, *, is_streamed: bool) -> ReplyReader:
        """A reader for one reply. ``is_streamed``: it is an event stream, by its content type."""
