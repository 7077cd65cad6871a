"""Folds claims and edits into memories: what is repeated is confirmed, what has changed is superseded, nothing is lost.

A claim changes only memories of its own subject and attribute. A version is never altered but for its evidence and its
marks: it expires, and another one is recorded beside it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recollect.domain.edits import EditKind, Feedback
from recollect.domain.ids import conflict_id, memory_id
from recollect.domain.memories import Attribute, Change, Conflict, ConflictPolicy, Expiry, Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.edits import Edit
    from recollect.domain.ids import MemoryId
    from recollect.domain.memories import Claim, Evidence

_Topic = tuple[str, Attribute]


def key_of(value: str) -> str:
    """Two values are the same where this is: case, accents' form and an article before them do not matter."""
    words = unicodedata.normalize("NFKC", value).casefold().split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in {"a", "an", "the"} else words)


class Folding:
    """One fold in progress. ``now`` is when what is taken or applied next was recorded."""

    def __init__(self, policy: ConflictPolicy) -> None:
        """Begin with nothing."""
        self.now = datetime.min.replace(tzinfo=UTC)
        self._policy = policy
        self._memories: list[Memory] = []
        self._newest: dict[MemoryId, int] = {}
        self._topics: dict[_Topic, list[MemoryId]] = defaultdict(list)
        self._conflicts: list[Conflict] = []
        self._deleted: set[MemoryId] = set()
        self._refused: dict[tuple[str, Attribute, str], datetime] = {}

    def result(self) -> tuple[tuple[Memory, ...], tuple[Conflict, ...]]:
        """Every version of what was not deleted, and the conflicts of which both sides are believed still."""
        believed = {one.id for one in self._memories if one.expired_at is None} - self._deleted
        return (
            tuple(one for one in self._memories if one.id not in self._deleted),
            tuple(one for one in self._conflicts if believed.issuperset(one.memories)),
        )

    def take(self, claim: Claim) -> None:
        """Fold a claim in, unless it repeats what somebody deleted, reworded or called wrong since."""
        refused_at = self._refused.get((claim.subject, claim.attribute, key_of(claim.value)))
        if refused_at is None or claim.stated_at > refused_at:
            self._fold(claim)

    def _fold(self, claim: Claim) -> None:
        rivals = [self._memories[self._newest[one]] for one in self._topics[claim.subject, claim.attribute]]
        rivals = [one for one in rivals if one.expired_at is None]
        same = [one for one in rivals if _is_same(one, claim)]
        others = [one for one in rivals if one not in same]
        if claim.change is Change.ENDS or claim.valid_to is not None:
            self._end(claim, same)
        elif claim.change is Change.CORRECTS:
            self._correct(claim, same, others)
        else:
            self._state(claim, same, others)

    def apply(self, edit: Edit) -> None:
        """Do what somebody did. Of a memory that is no longer derived, only what somebody made of it stays."""
        if edit.kind is EditKind.ADD and edit.claim is not None:
            self._fold(edit.claim)
        elif edit.kind is EditKind.RESOLVE:
            self._resolve(edit)
        elif edit.memory in self._newest and edit.memory not in self._deleted:
            self._edit(self._memories[self._newest[edit.memory]], edit)
        elif edit.kind is EditKind.EDIT and edit.claim is not None and edit.memory not in self._deleted:
            self._add(edit.claim, edit.memory)

    def _edit(self, known: Memory, edit: Edit) -> None:
        match edit.kind:
            case EditKind.EDIT if edit.claim is not None:
                self._reword(known, edit.claim)
            case EditKind.PIN | EditKind.UNPIN:
                self._mark(known, is_pinned=edit.kind is EditKind.PIN)
            case EditKind.EXPIRE:
                self._mark(known, expires_at=edit.expires_at)
            case EditKind.FEEDBACK:
                self._hear(known, edit.feedback)
            case EditKind.DELETE:
                self._deleted.add(known.id)
                self._topics[known.subject, known.attribute].remove(known.id)
                self._refuse(known)

    def _reword(self, known: Memory, claim: Claim) -> None:
        if known.expired_at is None:
            self._expire(known, Expiry.EDITED)
        if key_of(claim.value) != key_of(known.value):
            self._refuse(known)
        if (claim.subject, claim.attribute) != (known.subject, known.attribute):
            self._topics[known.subject, known.attribute].remove(known.id)
            self._topics[claim.subject, claim.attribute].append(known.id)
        self._revise(
            known,
            subject=claim.subject,
            attribute=claim.attribute,
            value=claim.value,
            category=claim.category,
            evidence=claim.evidence,
            stated_at=claim.stated_at,
            valid_from=claim.valid_from,
            valid_to=claim.valid_to,
            is_quotation=claim.is_quotation,
        )

    def _hear(self, known: Memory, feedback: Feedback | None) -> None:
        if feedback is Feedback.USEFUL:
            self._mark(known, useful=known.useful + 1, is_withheld=False)
        elif feedback is Feedback.NEVER_USE:
            self._mark(known, is_withheld=True)
        elif feedback is Feedback.OUTDATED and known.expired_at is None:
            if known.valid_to is None or known.valid_to > self.now:
                self._supersede(known, self.now)
        elif feedback is Feedback.WRONG and known.expired_at is None:
            self._expire(known, Expiry.DISOWNED)
            self._refuse(known)

    def _resolve(self, edit: Edit) -> None:
        for conflict in [one for one in self._conflicts if one.id == edit.conflict]:
            self._conflicts.remove(conflict)
            for memory in conflict.memories if edit.memory in conflict.memories else ():
                known = self._memories[self._newest[memory]]
                if memory != edit.memory and known.expired_at is None:
                    self._expire(known, Expiry.CORRECTED)

    def _refuse(self, known: Memory) -> None:
        self._refused[known.subject, known.attribute, key_of(known.value)] = self.now

    def _state(self, claim: Claim, same: Sequence[Memory], others: Sequence[Memory]) -> None:
        running = next((one for one in same if _is_open(one)), None)
        if running is not None:
            self._confirm(running, claim)
            return
        if claim.attribute.is_timeless and others:
            self._contradict(claim, others)
            return
        if claim.attribute.holds_one_value:
            later = [one for one in others if one.stated_at > claim.stated_at and _is_open(one)]
            if later:
                ends = min(one.valid_from or one.stated_at for one in later)
                self._add(replace(claim, valid_to=max(ends, claim.valid_from or claim.stated_at)))
                return
            for one in filter(_is_open, others):
                self._supersede(one, claim.valid_from or claim.stated_at)
        self._add(claim)

    def _confirm(self, known: Memory, claim: Claim) -> None:
        """More evidence; a beginning that was not known makes a new version."""
        marks = {"evidence": _merged(known, claim), "stated_at": max(known.stated_at, claim.stated_at)}
        if claim.valid_from is not None and known.valid_from is None:
            self._expire(known, Expiry.REFINED)
            self._revise(known, **marks, valid_from=claim.valid_from)
        else:
            self._mark(known, **marks)

    def _contradict(self, claim: Claim, others: Sequence[Memory]) -> None:
        if self._policy is ConflictPolicy.LATEST_WINS:
            if any(one.stated_at > claim.stated_at for one in others):
                self._expire(self._add(claim), Expiry.CORRECTED)
            else:
                self._correct(claim, [], others)
            return
        added = self._add(claim)
        if self._policy is ConflictPolicy.ASK:
            self._conflicts += [
                Conflict(
                    conflict_id(one.id, added.id),
                    claim.subject,
                    claim.attribute,
                    (one.id, added.id),
                    (one.value, claim.value),
                )
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
        elif not same or running is not None:
            self._add(replace(claim, valid_to=end))
        else:
            ended = max(same, key=lambda one: one.valid_to or end)
            self._mark(ended, evidence=_merged(ended, claim))

    def _supersede(self, one: Memory, end: datetime, evidence: tuple[Evidence, ...] | None = None) -> None:
        if one.valid_from is not None and one.valid_from > end:
            return  # it began later than the claim that would end it: the claim tells of the past
        self._expire(one, Expiry.SUPERSEDED)
        self._revise(one, evidence=evidence or one.evidence, valid_to=end)

    def _expire(self, one: Memory, why: Expiry) -> None:
        self._mark(one, expired_at=self.now, expiry=why)

    def _mark(self, one: Memory, **changes: object) -> None:
        self._memories[self._newest[one.id]] = replace(one, **changes)  # type: ignore[arg-type]

    def _revise(self, one: Memory, **changes: object) -> None:
        fresh = {"version": one.version + 1, "recorded_at": self.now, "expired_at": None, "expiry": None}
        self._newest[one.id] = len(self._memories)
        self._memories.append(replace(one, **{**fresh, **changes}))  # type: ignore[arg-type]

    def _add(self, claim: Claim, identifier: MemoryId | None = None) -> Memory:
        topic = (claim.subject, claim.attribute)
        count = 1
        while identifier is None or identifier in self._newest:
            identifier, count = memory_id(*topic, key_of(claim.value), count), count + 1
        added = Memory(
            id=identifier,
            version=1,
            subject=claim.subject,
            attribute=claim.attribute,
            value=claim.value,
            evidence=claim.evidence,
            recorded_at=self.now,
            stated_at=claim.stated_at,
            valid_from=claim.valid_from,
            valid_to=claim.valid_to,
            is_quotation=claim.is_quotation,
            category=claim.category,
        )
        self._newest[identifier] = len(self._memories)
        self._topics[topic].append(identifier)
        self._memories.append(added)
        return added


def _is_same(one: Memory, claim: Claim) -> bool:
    """The same value; or, of what has one value, the same words of one message, which one extractor quotes more fully
    than another ("Lisbon", "Lisbon, Portugal")."""
    known, stated = key_of(one.value), key_of(claim.value)
    if known == stated:
        return True
    is_single = claim.attribute.holds_one_value or claim.attribute.is_timeless
    if not is_single or claim.change is Change.ENDS or claim.valid_to is not None:
        return False
    fewer, more = sorted((_words(known), _words(stated)), key=len)
    return fewer <= more and any(each.message == other.message for each in one.evidence for other in claim.evidence)


def _words(key: str) -> frozenset[str]:
    return frozenset(word.strip(".,;:!?()\"'") for word in key.split())


def _is_open(one: Memory) -> bool:
    """It is so still; a plan is so until its day is over."""
    return one.valid_to is None or one.attribute is Attribute.PLAN


def _merged(known: Memory, claim: Claim) -> tuple[Evidence, ...]:
    return (*known.evidence, *(one for one in claim.evidence if one not in known.evidence))
