"""What is known of a vault, folded from what is stored, and kept in memory while nothing changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recollect.domain.graph import co_occurrences, fold_relations, merge_entities
from recollect.domain.memories import ConflictPolicy, Entity, SessionSummary
from recollect.domain.timeline import Timeline, fold
from recollect.remembering.profile import MOST_TOKENS, estimated_tokens, main_subject, profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from recollect.domain.edits import Edit
    from recollect.domain.ids import MessageNumber, SessionNumber, VaultId
    from recollect.domain.knowledge import KnowledgeRecord
    from recollect.domain.memories import Claim, CoOccurrence, Evidence, Relation
    from recollect.stores.base import KnowledgeStore

MOST_VAULTS = 256
NEVER = -1
_LARGE = 50
"""Windows from which on a vault is folded off the event loop."""


@dataclass(frozen=True, slots=True)
class VaultKnowledge:
    """What is known of one vault. Every quote in it stands in a message of a live branch.

    ``relations`` are typed and dated, ``co_occurrences`` only count who is named beside whom. ``statements`` are the
    messages that were captured for edits, and are no part of a conversation.
    """

    sequence: int = NEVER
    timeline: Timeline = field(default_factory=Timeline)
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    co_occurrences: tuple[CoOccurrence, ...] = ()
    summaries: Mapping[SessionNumber, SessionSummary] = field(default_factory=dict)
    statements: frozenset[MessageNumber] = frozenset()

    def profile(
        self,
        *,
        at: datetime,
        most_tokens: int = MOST_TOKENS,
        count_tokens: Callable[[str], int] = estimated_tokens,
    ) -> str:
        """What is so of the vault's user at a moment, as a few lines; "" where nothing is known."""
        whose = main_subject(self.timeline)
        return profile(self.timeline, whose, at=at, most_tokens=most_tokens, count_tokens=count_tokens)


class Knowledge:
    """Folds a vault's knowledge when it has changed; the most recently used vaults are kept."""

    def __init__(
        self,
        store: KnowledgeStore,
        *,
        policy: ConflictPolicy = ConflictPolicy.KEEP_BOTH,
        most_vaults: int = MOST_VAULTS,
    ) -> None:
        """Take where it is stored, what becomes of contradictions, and how many vaults are kept."""
        self._store = store
        self._policy = policy
        self._most_vaults = most_vaults
        self._known: OrderedDict[VaultId, VaultKnowledge] = OrderedDict()

    async def of(self, vault: VaultId) -> VaultKnowledge:
        """What is known of the vault now: one short query where nothing changed. StoreUnavailableError passes."""
        known = self._known.get(vault)
        record = await self._store.knowledge(vault, NEVER if known is None else known.sequence)
        if record is not None:
            is_large = len(record.windows) > _LARGE
            known = await asyncio.to_thread(folded, record, self._policy) if is_large else folded(record, self._policy)
        if known is None:
            return VaultKnowledge()
        self._known[vault] = known
        self._known.move_to_end(vault)
        while len(self._known) > self._most_vaults:
            self._known.popitem(last=False)
        return known

    async def refresh(self, vault: VaultId) -> None:
        """Bring a vault up to date that is kept already."""
        if vault in self._known:
            await self.of(vault)

    def forget(self, vault: VaultId) -> None:
        """Drop what is kept of a vault."""
        self._known.pop(vault, None)


def folded(record: KnowledgeRecord, policy: ConflictPolicy = ConflictPolicy.KEEP_BOTH) -> VaultKnowledge:
    """What a vault's record comes to."""
    entities = merge_entities(_entities(record))
    relations = [
        one
        for window in record.windows
        for one in window.window.found.relations
        if _stands(one.evidence, record.abandoned)
    ]
    return VaultKnowledge(
        sequence=record.sequence,
        timeline=fold(_claims(record), _edits(record), policy=policy),
        entities=entities,
        relations=fold_relations(relations),
        co_occurrences=co_occurrences(entities),
        summaries=_summaries(record),
        statements=_told(record),
    )


def _claims(record: KnowledgeRecord) -> Iterator[Claim]:
    """What a message says that was captured for an edit, the edit itself says."""
    edited = _told(record)
    for window in record.windows:
        for claim in window.window.found.claims:
            if _stands(claim.evidence, record.abandoned) and edited.isdisjoint(one.message for one in claim.evidence):
                yield claim


def _edits(record: KnowledgeRecord) -> Iterator[Edit]:
    """One that points at an abandoned message waits until the message is live again."""
    for edit in record.edits:
        if edit.claim is None or _stands(edit.claim.evidence, record.abandoned):
            yield edit


def _told(record: KnowledgeRecord) -> frozenset[MessageNumber]:
    return frozenset(edit.told for edit in record.edits if edit.told is not None)


def _entities(record: KnowledgeRecord) -> Iterator[Entity]:
    for window in record.windows:
        for entity in window.window.found.entities:
            mentions = tuple(number for number in entity.mentions if number not in record.abandoned)
            if mentions:
                yield Entity(entity.name, mentions, entity.aliases)


def _summaries(record: KnowledgeRecord) -> dict[SessionNumber, SessionSummary]:
    """A session's windows in order; where a model wrote summaries, its own are taken. Edits are no conversation."""
    by_session: dict[SessionNumber, dict[str, list[SessionSummary]]] = defaultdict(lambda: defaultdict(list))
    edited = _told(record)
    for window in record.windows:
        summary = window.window.found.summary
        is_said = record.abandoned.isdisjoint(window.window.numbers) and edited.isdisjoint(window.window.numbers)
        if summary is not None and is_said:
            by_session[window.session][window.extractor].append(summary)
    return {session: _joined(_best(found)) for session, found in by_session.items()}


def _best(found: Mapping[str, Sequence[SessionSummary]]) -> Sequence[SessionSummary]:
    return max(found.values(), key=lambda summaries: (sum(bool(one.short) for one in summaries), len(summaries)))


def _joined(summaries: Sequence[SessionSummary]) -> SessionSummary:
    return SessionSummary(
        tuple(sentence for one in summaries for sentence in one.sentences),
        " ".join(one.short for one in summaries if one.short),
        "\n".join(one.long for one in summaries if one.long),
    )


def _stands(evidence: Sequence[Evidence], abandoned: frozenset[MessageNumber]) -> bool:
    return abandoned.isdisjoint(one.message for one in evidence)
