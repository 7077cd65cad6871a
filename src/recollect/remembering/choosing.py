"""Chooses from what is known of a vault: which memories are meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recollect.domain.memories import Entity
from recollect.domain.standing import Wanted, is_wanted, standing_of
from recollect.remembering.names import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from recollect.domain.ids import MemoryId, MessageNumber
    from recollect.domain.memories import Attribute, Memory
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
    """The version of each memory that is meant, in the order of :func:`places`."""
    is_named = None if wanted.entity is None else _named(known, wanted.entity)
    order = places(known)
    chosen = (
        one
        for one in known.timeline.memories
        if one.is_believed_at(wanted.known_at)
        and is_wanted(standing_of(one, wanted.at), wanted.status)
        and (wanted.subject is None or one.subject.casefold() == wanted.subject.casefold())
        and wanted.attribute in {None, one.attribute}
        and (wanted.category is None or one.category.casefold() == wanted.category.casefold())
        and wanted.is_pinned in {None, one.is_pinned}
        and (wanted.messages is None or any(each.message in wanted.messages for each in one.evidence))
        and (is_named is None or is_named(one))
    )
    return tuple(sorted(chosen, key=lambda one: order[one.id]))


def places(known: VaultKnowledge) -> Mapping[MemoryId, int]:
    """Where each memory stands in lists: in the order in which they came to be known, whatever was edited since."""
    order: dict[MemoryId, int] = {}
    for place, one in enumerate(known.timeline.memories):
        order.setdefault(one.id, place)
    return order


def _named(known: VaultKnowledge, name: str) -> Callable[[Memory], bool]:
    """Whether a memory is about, or names, what this name means: an entity by any of its names, else the words."""
    names = Names.of(known.entities)
    if names.find(name) is None:
        names = Names.of([Entity(name, ())])
    meant = names.name(name)
    return lambda memory: meant in names.named_in(memory.subject, memory.value)
