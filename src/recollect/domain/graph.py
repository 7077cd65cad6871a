"""The knowledge graph of a vault, put together from what its sessions gave: who is who, who is linked to whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from recollect.domain.memories import Change, CoOccurrence, Entity, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from recollect.domain.ids import MessageNumber

LEAST_TOGETHER = 2
MOST_IN_A_MESSAGE = 24
"""Of the entities of one message, so many of the most mentioned are paired: a list of names links nobody."""


def merge_entities(found: Iterable[Entity]) -> tuple[Entity, ...]:
    """One entity for a name, whatever its case, and for each alias that is just one entity's; most mentioned first."""
    together: dict[str, list[Entity]] = defaultdict(list)
    for entity in found:
        together[entity.name.casefold()].append(entity)
    owners: dict[str, set[str]] = defaultdict(set)
    for key, entities in together.items():
        for alias in {alias.casefold() for entity in entities for alias in entity.aliases} - {key}:
            owners[alias].add(key)
    for alias, keys in owners.items():
        if alias in together and len(keys) == 1 and (owner := next(iter(keys))) in together:
            together[owner] += together.pop(alias)
    return tuple(sorted(map(_joined, together.values()), key=lambda one: (-len(one.mentions), one.name)))


def co_occurrences(entities: Sequence[Entity]) -> tuple[CoOccurrence, ...]:
    """Pairs that are named in the same message at least twice, the most frequent first."""
    by_message: dict[MessageNumber, list[str]] = defaultdict(list)
    for entity in sorted(entities, key=lambda one: (-len(one.mentions), one.name)):
        for number in entity.mentions:
            by_message[number].append(entity.name)
    pairs: dict[tuple[str, str], list[MessageNumber]] = defaultdict(list)
    for number in sorted(by_message):
        for first, second in combinations(sorted(by_message[number][:MOST_IN_A_MESSAGE]), 2):
            pairs[first, second].append(number)
    together = [
        CoOccurrence(*pair, tuple(numbers)) for pair, numbers in pairs.items() if len(numbers) >= LEAST_TOGETHER
    ]
    return tuple(sorted(together, key=lambda one: (-len(one.messages), one.first, one.second)))


def fold_relations(stated: Iterable[Relation]) -> tuple[Relation, ...]:
    """Relations as they are known now, past ones with their end, in the order in which they became known.

    What is repeated is confirmed. What ends or corrects changes only relations of the same pair.
    """
    known: list[Relation] = []
    for one in sorted(stated, key=lambda one: (one.recorded_at or one.stated_at, one.stated_at)):
        pair = [place for place, other in enumerate(known) if _ends(other) == _ends(one)]
        same = [place for place in pair if known[place].relation == one.relation]
        if one.change is Change.CORRECTS:
            wrong = [known[place] for place in pair if place not in same]
            known = [other for other in known if other not in wrong]
            same = [place for place, other in enumerate(known) if _is_same(other, one)]
        running = next((place for place in same if known[place].valid_to is None), None)
        if running is None and (one.change is not Change.ENDS or not same):
            known.append(replace(one, valid_to=_end_of(one), change=Change.STATES))
        elif running is not None:
            known[running] = _confirmed(known[running], one)
    return tuple(known)


def _confirmed(known: Relation, one: Relation) -> Relation:
    return replace(
        known,
        evidence=(*known.evidence, *(each for each in one.evidence if each not in known.evidence)),
        stated_at=max(known.stated_at, one.stated_at),
        valid_from=known.valid_from or one.valid_from,
        valid_to=_end_of(one),
    )


def _end_of(one: Relation) -> datetime | None:
    return one.valid_to or (one.stated_at if one.change is Change.ENDS else None)


def _ends(one: Relation) -> tuple[str, str]:
    return one.subject.casefold(), one.object.casefold()


def _is_same(one: Relation, other: Relation) -> bool:
    return (_ends(one), one.relation) == (_ends(other), other.relation)


def _joined(entities: Sequence[Entity]) -> Entity:
    mentions = sorted({number for entity in entities for number in entity.mentions})
    weights: Counter[str] = Counter()
    for entity in entities:
        weights[entity.name] += len(entity.mentions)
    name = max(weights, key=lambda one: (len(one), weights[one], one))
    others = {name for entity in entities for name in (entity.name, *entity.aliases)} - {name}
    return Entity(name, tuple(mentions), tuple(sorted(others)))
