"""Folds claims into memories: what is repeated is confirmed, what has changed is superseded, nothing is lost.

A claim changes only memories of its own subject and attribute. A version is never altered but for its evidence: it
expires, and another one is recorded beside it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recollect.domain.memories import Attribute, Change, Conflict, ConflictPolicy, Expiry, Memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from recollect.domain.memories import Claim, Evidence


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every version of every memory of a vault, in order of recording, and the conflicts that wait for an answer."""

    memories: tuple[Memory, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def at(self, moment: datetime, *, known_at: datetime | None = None) -> tuple[Memory, ...]:
        """What was so at a moment, by what is known now, or was known at ``known_at``."""
        return tuple(one for one in self.memories if one.is_believed_at(known_at) and one.is_valid_at(moment))

    def history(self, memory: int) -> tuple[Memory, ...]:
        """Every version of one memory, oldest first."""
        return tuple(one for one in self.memories if one.memory == memory)


def fold(
    timeline: Timeline,
    claims: Iterable[Claim],
    *,
    recorded_at: datetime,
    policy: ConflictPolicy = ConflictPolicy.KEEP_BOTH,
) -> Timeline:
    """The timeline with the claims in it, taken in the order in which they were stated."""
    folding = _Folding(timeline, recorded_at, policy)
    for claim in sorted(claims, key=lambda claim: claim.stated_at):
        folding.take(claim)
    return folding.timeline


def key_of(value: str) -> str:
    """Two values are the same where this is: case, accents' form and an article before them do not matter."""
    words = unicodedata.normalize("NFKC", value).casefold().split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in {"a", "an", "the"} else words)


class _Folding:
    """One fold in progress."""

    def __init__(self, timeline: Timeline, recorded_at: datetime, policy: ConflictPolicy) -> None:
        self._memories = list(timeline.memories)
        self._conflicts = list(timeline.conflicts)
        self._recorded_at = recorded_at
        self._policy = policy

    @property
    def timeline(self) -> Timeline:
        return Timeline(tuple(self._memories), tuple(self._conflicts))

    def take(self, claim: Claim) -> None:
        rivals = [
            one
            for one in self._memories
            if one.expired_at is None and (one.subject, one.attribute) == (claim.subject, claim.attribute)
        ]
        same = [one for one in rivals if key_of(one.value) == key_of(claim.value)]
        others = [one for one in rivals if one not in same]
        if claim.change is Change.ENDS or claim.valid_to is not None:
            self._end(claim, same)
        elif claim.change is Change.CORRECTS:
            self._correct(claim, same, others)
        else:
            self._state(claim, same, others)

    def _state(self, claim: Claim, same: Sequence[Memory], others: Sequence[Memory]) -> None:
        running = next((one for one in same if _is_open(one)), None)
        if running is not None:
            self._confirm(running, claim)
            return
        if claim.attribute.is_timeless and others:
            self._contradict(claim, others)
            return
        if claim.attribute.holds_one_value:
            for one in filter(_is_open, others):
                self._supersede(one, claim.valid_from or claim.stated_at)
        self._add(claim)

    def _confirm(self, known: Memory, claim: Claim) -> None:
        """More evidence; a beginning that was not known makes a new version."""
        evidence = _merged(known, claim)
        if claim.valid_from is not None and known.valid_from is None:
            self._expire(known, Expiry.REFINED)
            self._revise(known, evidence=evidence, valid_from=claim.valid_from)
        else:
            self._memories[self._memories.index(known)] = replace(known, evidence=evidence)

    def _contradict(self, claim: Claim, others: Sequence[Memory]) -> None:
        if self._policy is ConflictPolicy.LATEST_WINS:
            self._correct(claim, [], others)
            return
        added = self._add(claim)
        if self._policy is ConflictPolicy.ASK:
            self._conflicts += [
                Conflict(claim.subject, claim.attribute, (one.memory, added.memory), (one.value, claim.value))
                for one in others
            ]

    def _correct(self, claim: Claim, same: Sequence[Memory], others: Sequence[Memory]) -> None:
        """What is denied was never so. Where nothing is named as wrong, that is the one value of the attribute."""
        holds_one = claim.attribute.holds_one_value or claim.attribute.is_timeless
        wrong = [
            one
            for one in others
            if (key_of(one.value) == key_of(claim.denied) if claim.denied else holds_one and _is_open(one))
        ]
        for one in wrong:
            self._expire(one, Expiry.CORRECTED)
        running = next((one for one in same if _is_open(one)), None)
        if running is not None:
            self._confirm(running, claim)
            return
        since = [one.valid_from for one in wrong if one.valid_from is not None]
        self._add(replace(claim, valid_from=claim.valid_from or min(since, default=None)))

    def _end(self, claim: Claim, same: Sequence[Memory]) -> None:
        """What runs is ended; what was not known is recorded as past."""
        end = claim.valid_to or claim.stated_at
        running = next((one for one in same if _is_open(one)), None)
        if running is not None and (running.valid_from is None or running.valid_from <= end):
            self._supersede(running, end, _merged(running, claim))
        elif not same:
            self._add(replace(claim, valid_to=end))
        elif running is None:
            ended = max(same, key=lambda one: one.valid_to or end)
            self._memories[self._memories.index(ended)] = replace(ended, evidence=_merged(ended, claim))

    def _supersede(self, one: Memory, end: datetime, evidence: tuple[Evidence, ...] | None = None) -> None:
        if one.valid_from is not None and one.valid_from > end:
            return  # it began later than the claim that would end it: the claim tells of the past
        self._expire(one, Expiry.SUPERSEDED)
        self._revise(one, evidence=evidence or one.evidence, valid_to=end)

    def _expire(self, one: Memory, why: Expiry) -> None:
        place = self._memories.index(one)
        self._memories[place] = replace(one, expired_at=self._recorded_at, expiry=why)

    def _revise(self, one: Memory, **changes: object) -> None:
        version = replace(one, version=one.version + 1, recorded_at=self._recorded_at, **changes)  # type: ignore[arg-type]
        self._memories.append(version)

    def _add(self, claim: Claim) -> Memory:
        number = max((one.memory for one in self._memories), default=0) + 1
        added = Memory(
            memory=number,
            version=1,
            subject=claim.subject,
            attribute=claim.attribute,
            value=claim.value,
            evidence=claim.evidence,
            recorded_at=self._recorded_at,
            valid_from=claim.valid_from,
            valid_to=claim.valid_to,
            is_quotation=claim.is_quotation,
        )
        self._memories.append(added)
        return added


def _is_open(one: Memory) -> bool:
    """It is so still; a plan is so until its day is over."""
    return one.valid_to is None or one.attribute is Attribute.PLAN


def _merged(known: Memory, claim: Claim) -> tuple[Evidence, ...]:
    return (*known.evidence, *(one for one in claim.evidence if one not in known.evidence))
