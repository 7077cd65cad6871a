"""The promise of an extractor: messages in, claims with evidence out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.memories import Claim, Extraction, Relation
    from recollect.domain.messages import StoredMessage

EVIDENCE_ROLES = frozenset({"user", "assistant"})
"""Whose words are evidence: not those of tools, and not instructions."""


class Extractor(Protocol):
    """Distils messages. Stateless: the same messages give the same extraction."""

    @property
    def name(self) -> str:
        """Names the extractor among several: what each finds is kept beside what the others find."""

    @property
    def version(self) -> str:
        """Identifies the extractor and its rules or prompts; stored with what it found."""

    @property
    def window_tokens(self) -> int:
        """How much it reads at once: a session is cut into windows of at most so many tokens (four characters each)."""

    async def extract(self, messages: Sequence[StoredMessage]) -> Extraction:
        """What these messages say: one window of one session, oldest first.

        Every claim and relation has passed :func:`has_evidence`. ExtractorUnavailableError where it cannot be asked for
        now, which is no fault of the messages: it is asked again, without end. Any other error counts as an attempt.
        """


def has_evidence(claim: Claim | Relation, messages: Sequence[StoredMessage]) -> bool:
    """Every quote of the claim stands, character for character, where it says, in a user's or assistant's words."""
    by_number = {message.number: message for message in messages}
    return bool(claim.evidence) and all(
        (said := by_number.get(one.message)) is not None
        and said.role in EVIDENCE_ROLES
        and bool(one.quote)
        and said.text[one.start : one.end] == one.quote
        for one in claim.evidence
    )
