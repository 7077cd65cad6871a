"""What was so at a moment, though it was only said later: "I moved in April" tells where somebody lived in March."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from recollect.domain.recall import Hit, MemoryStatus, RecallResult
from recollect.recall.known_hit import known_hit, packed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from recollect.domain.ids import VaultId
    from recollect.domain.memories import Memory
    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import RecallRequest
    from recollect.domain.timeline import Timeline
    from recollect.remembering.knowledge import VaultKnowledge
    from recollect.stores.base import MessageStore

MOST = 8


class Ranks(Protocol):
    """Recall over passages."""

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Rank, gate, select."""


@dataclass(frozen=True, slots=True)
class Hindsight:
    """Adds to a recall ``as_of`` a moment the dated memories that later messages tell of it, and not these messages."""

    engine: Ranks
    messages: MessageStore

    async def added_to(
        self, result: RecallResult, vault: VaultId, request: RecallRequest, known: VaultKnowledge
    ) -> RecallResult:
        """Ranked as the messages that tell of them would be. StoreUnavailableError passes."""
        at = request.as_of
        dated = [] if at is None else [one for one in known.timeline.at(at) if _tells_of(one, at)]
        if at is None or not dated:
            return result
        later = replace(request, as_of=None, now=at, last_n_messages=0, recent_messages=0)
        found = await self.engine.recall(vault, later)
        hits = await self._hits(vault, found, dated, request)
        quoted = {hit.message.number for hit in found.selection}
        chosen = [hit for hit in hits if not quoted.isdisjoint(hit.numbers)]
        chosen = [hit for hit in chosen if request.excluded.isdisjoint(hit.numbers)]
        selection = packed(result.selection, chosen, request.max_tokens)
        return replace(
            result,
            ranking=tuple(sorted((*result.ranking, *hits), key=lambda hit: -hit.score)[: request.limit]),
            selection=selection,
            status=MemoryStatus.INJECTED if selection else result.status,
        )

    async def known_by(self, vault: VaultId, timeline: Timeline, at: datetime) -> Timeline:
        """The timeline without what was only said later, and does not say itself that it was so then."""
        doubtful = [one for one in timeline.memories if one.stated_at > at and not _tells_of(one, at)]
        if not doubtful:
            return timeline
        numbers = {evidence.message for one in doubtful for evidence in one.evidence}
        said = {
            message.number
            for message in await self.messages.messages(vault, sorted(numbers))
            if message.occurred_at <= at
        }
        later = {one.id for one in doubtful if said.isdisjoint(evidence.message for evidence in one.evidence)}
        return replace(timeline, memories=tuple(one for one in timeline.memories if one.id not in later))

    async def _hits(
        self, vault: VaultId, found: RecallResult, dated: Sequence[Memory], request: RecallRequest
    ) -> list[Hit]:
        """Each where its best message stands, if nobody had said it by then."""
        numbers = {evidence.message for one in dated for evidence in one.evidence}
        told = {message.number: message for message in await self.messages.messages(vault, sorted(numbers))}
        score_of = {hit.message.number: hit.score for hit in reversed(found.ranking)}
        hits: list[Hit] = []
        for one in dated:
            hit = known_hit("memory", one.text, one.evidence, request, told)
            scores = [score_of[number] for number in hit.numbers if number in score_of] if hit else []
            if hit and scores and all(_is_later(source.message, request) for source in hit.sources):
                hits.append(replace(hit, id=one.id, score=max(scores)))
        return sorted(hits, key=lambda hit: -hit.score)[:MOST]


def _is_later(message: StoredMessage, request: RecallRequest) -> bool:
    return request.as_of is not None and message.occurred_at > request.as_of


def _tells_of(one: Memory, at: datetime) -> bool:
    """It says itself that it was so then: it began before, or ended later."""
    is_dated = one.valid_from is not None or (one.valid_to is not None and at < one.valid_to)
    return is_dated and not one.is_quotation and not one.is_withheld
