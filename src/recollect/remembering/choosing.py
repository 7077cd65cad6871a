"""Chooses from what is known of a vault: which memories are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.standing import Wanted, is_wanted, standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from recollect.domain.ids import MessageNumber
    from recollect.domain.memories import Attribute, Entity, Memory
    from recollect.remembering.knowledge import VaultKnowledge


@dataclass(frozen=True, slots=True)
class MemoryFilter:
    """Which memories are meant; None does not restrict.

    ``entity`` is a name or an alias: memories that are about it or name it. ``messages`` are those of which one must
    say so. ``status`` is as of ``at``; with ``known_at``, by what was believed then.
    """

    at: datetime
    status: Wanted = Wanted.OPEN
    known_at: datetime | None = None
    subject: str | None = None
    attribute: Attribute | None = None
    entity: str | None = None
    category: str | None = None
    is_pinned: bool | None = None
    messages: frozenset[MessageNumber] | None = None


def choose(known: VaultKnowledge, wanted: MemoryFilter) -> tuple[Memory, ...]:
    """The version of each memory that is meant, in the order in which they were recorded."""
    names = names_of(known.entities, wanted.entity) if wanted.entity is not None else None
    return tuple(
        one
        for one in known.timeline.memories
        if one.is_believed_at(wanted.known_at)
        and is_wanted(standing_of(one, wanted.at), wanted.status)
        and (wanted.subject is None or one.subject.casefold() == wanted.subject.casefold())
        and wanted.attribute in {None, one.attribute}
        and (wanted.category is None or one.category.casefold() == wanted.category.casefold())
        and wanted.is_pinned in {None, one.is_pinned}
        and (wanted.messages is None or any(each.message in wanted.messages for each in one.evidence))
        and (names is None or is_named(names, one.subject, one.value))
    )


def find_entity(entities: Iterable[Entity], name: str) -> Entity | None:
    """The entity of that name or alias, whatever its case; names go before aliases."""
    key = name.casefold()
    aliased = None
    for one in entities:
        if one.name.casefold() == key:
            return one
        if aliased is None and any(alias.casefold() == key for alias in one.aliases):
            aliased = one
    return aliased


def names_of(entities: Iterable[Entity], name: str) -> frozenset[str]:
    """All names of the entity that this name means, or the name alone where there is none."""
    entity = find_entity(entities, name)
    return frozenset({name, *((entity.name, *entity.aliases) if entity else ())})


def is_named(names: Iterable[str], *texts: str) -> bool:
    """One of the names stands in one of the texts, as whole words."""
    said = [f" {_words(text)} " for text in texts]
    return any(f" {_words(name)} " in text for name in names for text in said)


_word = re.compile(r"\w+")


def _words(text: str) -> str:
    return " ".join(_word.findall(text.casefold()))
