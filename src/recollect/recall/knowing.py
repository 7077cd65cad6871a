"""Recall with what was distilled: memories beside the passages that they were taken from, and session summaries.

Passages are ranked as ever. A memory comes up where a passage that it rests on does: it never takes the place of
evidence of something else. In a block it stands only where it says more than its passages do: that something has
changed since, or that somebody pinned it. A conflict that waits for an answer is told with the next block.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from recollect.domain.memories import USER, Attribute
from recollect.domain.profile import Profile
from recollect.domain.recall import Hit, MemoryStatus, RecallResult
from recollect.errors import StoreUnavailableError
from recollect.recall.hindsight import Hindsight
from recollect.recall.known_hit import known_hit, packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recollect.domain.ids import MessageNumber, SessionNumber, VaultId
    from recollect.domain.memories import Evidence, Memory, SessionSummary
    from recollect.domain.messages import StoredMessage
    from recollect.domain.recall import RecallRequest
    from recollect.remembering.knowledge import VaultKnowledge
    from recollect.stores.base import MessageStore

MOST_MEMORIES = 8
MOST_WAIT = 0.3
"""Of the deadline, what is waited for knowledge that has to be folded anew."""
MOST_NAMES = 4
MOST_HOPS = 2
_word = re.compile(r"\w+")


class Ranks(Protocol):
    """Recall over passages."""

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """Rank, gate, select."""

    def forget(self, vault: VaultId) -> None:
        """Drop what is held of a vault."""


class Knows(Protocol):
    """Knows what was distilled from a vault."""

    async def of(self, vault: VaultId) -> VaultKnowledge:
        """What is known of it now."""

    def forget(self, vault: VaultId) -> None:
        """Drop what is held of a vault."""


@dataclass(frozen=True, slots=True)
class KnowingRecaller:
    """Adds memories and summaries to what an engine finds."""

    engine: Ranks
    knowledge: Knows
    messages: MessageStore

    def forget(self, vault: VaultId) -> None:
        """Drop what is held in memory of a vault."""
        self.engine.forget(vault)
        self.knowledge.forget(vault)

    async def profile(self, vault: VaultId, at: datetime) -> Profile:
        """What is so of the vault's user. StoreUnavailableError passes."""
        known = await self.knowledge.of(vault)
        timeline = await Hindsight(self.engine, self.messages).known_by(vault, known.timeline, at)
        lines = tuple(replace(known, timeline=timeline).profile(at=at).splitlines())
        evidence = {one.message for memory in timeline.believed() for one in memory.evidence}
        return Profile(lines, tuple(sorted(evidence)) if lines else ())

    async def recall(self, vault: VaultId, request: RecallRequest) -> RecallResult:
        """As the engine does: without what is known where that is late or cannot be had."""
        request = replace(request, widens=True)
        known = await self._known(vault, request.deadline_ms)
        if known is None:
            return await self.engine.recall(vault, request)
        names = meant_names(request.query, known, request.as_of or request.now or datetime.now(UTC))
        asked = replace(request, query=f"{request.query} ({', '.join(names)})") if names else request
        result = await self.engine.recall(vault, asked)
        wanted = Wanted.of(result, request, known)
        if wanted.numbers and (result.ranking or request.last_n_summaries):
            told = {message.number: message for message in await self.messages.messages(vault, sorted(wanted.numbers))}
            result = wanted.added_to(result, request, told)
        if request.as_of is None:
            return result
        return await Hindsight(self.engine, self.messages).added_to(result, vault, asked, known)

    async def _known(self, vault: VaultId, deadline_ms: float | None) -> VaultKnowledge | None:
        try:
            async with asyncio.timeout(None if deadline_ms is None else deadline_ms / 1000 * MOST_WAIT):
                return await self.knowledge.of(vault)
        except (StoreUnavailableError, TimeoutError):
            return None


def meant_names(text: str, known: VaultKnowledge, at: datetime) -> tuple[str, ...]:
    """Names that a question means without saying them: "my sister" is Berta, and Berta's boss is whoever that is.

    Family and pets by the memories that name them, then relations of whom the question names, two hops at most.
    """
    said = {word.casefold() for word in _word.findall(text)}
    found: dict[str, None] = {}
    for one in known.timeline.at(at):
        kind, _, name = one.value.partition(" ")
        if one.attribute in {Attribute.FAMILY, Attribute.PET} and name[:1].isupper() and kind.casefold() in said:
            found[name] = None
    for _ in range(MOST_HOPS):
        reached = said | {word.casefold() for name in found for word in _word.findall(name)}
        for link in known.relations:
            ends = (link.subject, link.object)
            for here, there in (ends, ends[::-1]):
                is_asked = set(_word.findall(link.relation.casefold().replace("_", " "))) & said
                if is_asked and link.is_valid_at(at) and reached & {word.casefold() for word in _word.findall(here)}:
                    found[there] = None
    return tuple(name for name in found if not {word.casefold() for word in _word.findall(name)} <= said)[:MOST_NAMES]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The memories that rest on ranked messages, by message, and the summaries that were asked for."""

    memories: Mapping[MessageNumber, Sequence[Memory]]
    summaries: Sequence[SessionSummary]
    past: Mapping[str, str]
    """What stands behind a memory's line, by its id: since when, what it was before."""
    question: tuple[str, str, Sequence[Evidence]] | None = None
    """A conflict to ask about: its id, the line, what it rests on."""
    most_summaries: int = 0

    @classmethod
    def of(cls, result: RecallResult, request: RecallRequest, known: VaultKnowledge) -> Wanted:
        """Choose; nothing is fetched yet."""
        at = request.as_of or request.now or datetime.now(UTC)
        ranked = {hit.message.number for hit in (*result.ranking, *result.selection) if hit.kind == "passage"}
        topics: dict[tuple[str, Attribute], list[Memory]] = defaultdict(list)
        for one in known.timeline.believed():
            if not one.is_quotation and not one.is_withheld and (one.expires_at is None or at < one.expires_at):
                topics[one.subject, one.attribute].append(one)
        memories: dict[MessageNumber, list[Memory]] = defaultdict(list)
        past: dict[str, str] = {}
        for topic in topics.values():
            for one, numbers in _current(topic, at):
                for number in numbers & ranked:
                    memories[number].append(one)
                note = _note(one, topic, at)
                if note:
                    past[one.id] = note
        question = _question(known) if result.selection else None
        summaries, most = _summaries(result, request, known)
        return cls(memories, summaries, past, question, most)

    @property
    def numbers(self) -> set[MessageNumber]:
        """Every message that is to be quoted as a source."""
        evidence: list[Sequence[Evidence]] = [one.evidence for group in self.memories.values() for one in group]
        evidence += [summary.sentences for summary in self.summaries]
        evidence += [self.question[2]] if self.question else []
        return {one.message for group in evidence for one in group}

    def added_to(
        self, result: RecallResult, request: RecallRequest, told: Mapping[MessageNumber, StoredMessage]
    ) -> RecallResult:
        """The result with memories right behind the passage that each rests on, and in the block before them."""
        ranking: dict[str, Hit] = {}
        for place, hit in enumerate(result.ranking):
            ranking[f"passage {place}"] = hit
            for one in self._hits(hit, request, told):
                ranking.setdefault(one.id, one)
        selection = result.selection
        if selection or (request.last_n_summaries and result.status is not MemoryStatus.ERROR):
            selection = packed(selection, self._worth_injecting(selection, request, told), request.max_tokens)
        status = MemoryStatus.INJECTED if selection else result.status
        return replace(result, ranking=tuple(ranking.values())[: request.limit], selection=selection, status=status)

    def _worth_injecting(
        self, selection: Sequence[Hit], request: RecallRequest, told: Mapping[MessageNumber, StoredMessage]
    ) -> list[Hit]:
        found = (known_hit("summary", one.text, one.sentences, request, told) for one in self.summaries)
        summaries = [hit for hit in found if hit is not None][: self.most_summaries]
        chosen = {hit.id: hit for hit in summaries}
        for passage in selection:
            pinned = {one.id for one in self.memories.get(passage.message.number, ()) if one.is_pinned}
            for hit in self._hits(passage, request, told):
                if hit.id in self.past or hit.id in pinned:
                    chosen.setdefault(hit.id, hit)
        if self.question is not None:
            identifier, line, evidence = self.question
            asked = known_hit("memory", line, evidence, request, told)
            if asked is not None:
                chosen[identifier] = replace(asked, id=identifier)
        return [
            hit
            for hit in list(chosen.values())[: MOST_MEMORIES + len(summaries)]
            if not request.excluded.issuperset(hit.numbers)
        ]

    def _hits(self, passage: Hit, request: RecallRequest, told: Mapping[MessageNumber, StoredMessage]) -> Iterator[Hit]:
        for one in self.memories.get(passage.message.number, ()):
            note = self.past.get(one.id)
            hit = known_hit("memory", f"{one.text} ({note})" if note else one.text, one.evidence, request, told)
            if hit is not None:
                yield replace(hit, id=one.id, score=passage.score, signals=passage.signals)


def _current(topic: Sequence[Memory], at: datetime) -> Iterator[tuple[Memory, set[MessageNumber]]]:
    """Memories, and the messages for which each comes up: a present value also for those of the values before it."""
    running = [one for one in topic if one.is_valid_at(at)]
    if topic[0].attribute.holds_one_value and running:
        everywhere = {evidence.message for one in topic for evidence in one.evidence}
        yield from ((one, everywhere) for one in running)
    else:
        yield from ((one, {evidence.message for evidence in one.evidence}) for one in topic)


def _note(one: Memory, topic: Sequence[Memory], at: datetime) -> str:
    """What its passages do not say: that it has ended, or what it took the place of; "" where they say it all."""
    if one.valid_to is not None and one.valid_to <= at:
        return f"until {one.valid_to:%Y-%m-%d}"
    if not one.attribute.holds_one_value:
        return ""
    before = [other for other in topic if other.valid_to is not None and other.valid_to <= at]
    if not before:
        return ""
    last = max(before, key=lambda other: other.valid_to or at)
    since = f"since {one.valid_from:%Y-%m-%d}; " if one.valid_from else ""
    return f"{since}before: {last.value}"


def _question(known: VaultKnowledge) -> tuple[str, str, Sequence[Evidence]] | None:
    """The oldest conflict, as a line that lets the assistant ask."""
    for conflict in known.timeline.conflicts:
        sides = [one for one in known.timeline.believed() if one.id in conflict.memories]
        first, second = conflict.values
        whose = "The user" if conflict.subject == USER else conflict.subject
        line = (
            f"{whose} gave two answers for {conflict.attribute.value}: {first}; {second}. "
            "Ask which is right when it fits the conversation."
        )
        return conflict.id, line, [evidence for one in sides for evidence in one.evidence]
    return None


def _summaries(result: RecallResult, request: RecallRequest, known: VaultKnowledge) -> tuple[list[SessionSummary], int]:
    """Those of relevant sessions, then the newest; and how many of them are wanted: ``as_of`` may hide the newest."""
    sessions: list[SessionNumber] = []
    if request.summaries_threshold is not None and result.selection:
        reaching = (hit.message.session_number for hit in result.ranking if hit.score >= request.summaries_threshold)
        sessions = list(dict.fromkeys(session for session in reaching if session in known.summaries))
    wanted = len(sessions) + request.last_n_summaries
    if request.last_n_summaries:
        newest = sorted(known.summaries, reverse=True)
        sessions += newest if request.as_of is not None else newest[: request.last_n_summaries]
    return [known.summaries[session] for session in dict.fromkeys(sessions)], wanted
