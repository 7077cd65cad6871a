"""What somebody says of a memory: in their own words, or by pointing at what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from recollect.domain.memories import SENTENCES, USER, Attribute

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.domain.ids import MessageId
    from recollect.domain.memories import Memory


@dataclass(frozen=True, slots=True)
class Pointer:
    """A message that says so, and which words of it; without a quote, all of them."""

    message: MessageId
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a memory is to say. Without ``sources`` it is a statement of whoever makes it, in the words of ``text``.
    Without ``subject`` it is about the vault's own person.
    """

    value: str
    subject: str = ""
    attribute: Attribute = Attribute.NOTE
    category: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    text: str = ""
    sources: tuple[Pointer, ...] = ()

    @property
    def words(self) -> str:
        """What is captured where it has no sources: ``text``, else ``home: Lisbon``, or ``Bob, home: Bonn``."""
        if self.text:
            return self.text
        line = self.value if self.attribute in SENTENCES else f"{self.attribute.value}: {self.value}"
        return line if self.subject in {"", USER} else f"{self.subject}, {line}"


class StatementChanges(TypedDict, total=False):
    """What of a memory is to say something else; what is not named stays."""

    value: str
    subject: str
    attribute: Attribute
    category: str
    valid_from: datetime | None
    valid_to: datetime | None
    text: str
    sources: tuple[Pointer, ...]


NEW_WORDS = frozenset({"value", "subject", "attribute", "text"})
"""Changes that what was said before does not bear out."""


def statement_of(memory: Memory) -> Statement:
    """What a memory says now, without where it was said."""
    return Statement(
        value=memory.value,
        subject=memory.subject,
        attribute=memory.attribute,
        category=memory.category,
        valid_from=memory.valid_from,
        valid_to=memory.valid_to,
    )
