"""The extractor that needs no language model."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from recollect.domain.memories import Attribute, Extraction
from recollect.extractors.base import has_evidence
from recollect.extractors.rules.claims import claims_of
from recollect.extractors.rules.entities import co_occurrences, entities_of
from recollect.extractors.rules.summaries import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.memories import Claim
    from recollect.domain.messages import StoredMessage

VERSION = "rules-1"
"""Raised whenever the rules change, so that what an older version found is derived anew."""
_NAMING = frozenset({Attribute.NAME, Attribute.HOME, Attribute.ORIGIN})


class RuleExtractor:
    """Implements :class:`recollect.extractors.base.Extractor` in English, German and Spanish: precise, not eager."""

    @property
    def version(self) -> str:
        """See :attr:`Extractor.version`."""
        return VERSION

    async def extract(self, messages: Sequence[StoredMessage]) -> Extraction:
        """See :meth:`Extractor.extract`. About a millisecond a message."""
        return extract(messages)


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
    return Extraction(tuple(claims), entities, co_occurrences(entities), summarise(live), dict(dropped))
