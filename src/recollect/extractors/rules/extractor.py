"""The extractor that needs no language model."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from recollect.domain.memories import Attribute, Extraction
from recollect.extractors.base import has_evidence
from recollect.extractors.rules.claims import claims_of
from recollect.extractors.rules.entities import entities_of
from recollect.extractors.rules.summaries import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.memories import Claim
    from recollect.domain.messages import StoredMessage

VERSION = "rules-2"
"""Raised whenever the rules change, so that what an older version found is derived anew."""
WINDOW_TOKENS = 6000
"""What is read at once: about a hundred messages, a tenth of a second."""
_NAMING = frozenset({Attribute.NAME, Attribute.HOME, Attribute.ORIGIN})


class RuleExtractor:
    """Implements :class:`recollect.extractors.base.Extractor` in English, German and Spanish: precise, not eager."""

    @property
    def name(self) -> str:
        """See :attr:`Extractor.name`."""
        return "rules"

    @property
    def window_tokens(self) -> int:
        """See :attr:`Extractor.window_tokens`."""
        return WINDOW_TOKENS

    @property
    def version(self) -> str:
        """See :attr:`Extractor.version`."""
        return VERSION

    async def extract(self, messages: Sequence[StoredMessage]) -> Extraction:
        """See :meth:`Extractor.extract`. About a millisecond a message, on a thread of its own."""
        return await asyncio.to_thread(extract, messages)


def extract(messages: Sequence[StoredMessage]) -> Extraction:
    """What the live messages of one session say."""
    live = [message for message in messages if message.is_live]
    claims: list[Claim] = []
    dropped: Counter[str] = Counter()
    for message in live:
        found, refused = claims_of(message)
        dropped.update(refused)
        for claim in found:
            if has_evidence(claim, (message,)):
                claims.append(claim)
            else:
                dropped["no_evidence"] += 1
    entities = entities_of(live, known={claim.value for claim in claims if claim.attribute in _NAMING})
    return Extraction(tuple(claims), entities, summary=summarise(live), dropped=dict(dropped))
