"""The knowledge graph of a vault, as seen from one entity, or between two of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from recollect.domain.memories import SENTENCES, Entity
from recollect.domain.standing import Wanted, is_wanted, standing, standing_of
from recollect.remembering.names import Names
from recollect.remembering.profile import main_subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from recollect.domain.ids import MemoryId, MessageNumber
    from recollect.domain.memories import Evidence
    from recollect.remembering.knowledge import VaultKnowledge

MOST_PATHS = 5
MOST_HOPS = 6
TOGETHER = "named_with"
"""The relation of two entities that are only named in the same messages."""


@dataclass(frozen=True, slots=True)
class GraphQuery:
    """``depth`` hops around ``entity``; where None, the vault's own person and the most mentioned entities; paths to
    ``to``, where given.

    At most ``most`` entities. Links are chosen by how they stand at ``at``.
    """

    at: datetime
    entity: str | None = None
    to: str | None = None
    depth: int = 1
    status: Wanted = Wanted.OPEN
    most: int = 50


@dataclass(frozen=True, slots=True)
class Link:
    """Two entities by name, and how they are linked: as messages say, as a memory says (``memory``), or
    (``named_with``) because the same messages name both."""

    subject: str
    relation: str
    object: str
    evidence: tuple[Evidence, ...] = ()
    stated_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    memory: MemoryId | None = None
    together: tuple[MessageNumber, ...] = ()

    def other(self, end: str) -> str:
        """The end that is not this one."""
        return self.object if self.subject == end else self.subject


@dataclass(frozen=True, slots=True)
class GraphView:
    """Entities, nearest first, with their distance from the one in the middle; the links between them; paths."""

    centre: str | None
    entities: tuple[tuple[Entity, int], ...]
    links: tuple[Link, ...]
    paths: tuple[tuple[Link, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgeGraph:
    """Every entity and every link that is wanted; names are those of entities, aliases resolved."""

    names: Names
    links: Sequence[Link]
    by_end: dict[str, list[Link]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, known: VaultKnowledge, at: datetime, wanted: Wanted) -> KnowledgeGraph:
        """Typed relations first, then what memories link, then who is named beside whom."""
        names = Names.of(known.entities)
        links = [*_relations(known, names, at, wanted), *_memories(known, names, at, wanted), *_together(known)]
        graph = cls(names, links)
        for link in links:
            for end in {link.subject, link.object}:
                graph.by_end[end].append(link)
        return graph

    def name(self, given: str) -> str | None:
        """The name in the graph that is meant; None where there is none."""
        entity = self.names.find(given)
        if entity is not None:
            return entity.name
        return next((end for end in self.by_end if end.casefold() == given.casefold()), None)

    def entity(self, name: str) -> Entity:
        """The entity of that name; of one that only links name, as they do."""
        found = self.names.find(name)
        if found is not None:
            return found
        mentions = {one.message for link in self.by_end.get(name, ()) for one in link.evidence}
        return Entity(name, tuple(sorted(mentions)))

    def around(self, centre: str, depth: int, most: int) -> dict[str, int]:
        """Names within so many hops, nearest first, with their distance."""
        distances = {centre: 0}
        frontier = [centre]
        for distance in range(1, depth + 1):
            reached = dict.fromkeys(link.other(end) for end in frontier for link in self.by_end.get(end, ()))
            frontier = [name for name in reached if name not in distances][: most - len(distances)]
            distances.update(dict.fromkeys(frontier, distance))
        return distances

    def paths(self, start: str, end: str, most_hops: int = MOST_HOPS) -> Iterator[tuple[Link, ...]]:
        """Every shortest way from one to the other, over the strongest links."""
        ways: dict[str, list[Link]] = {start: []}
        frontier = [start]
        for _ in range(most_hops):
            if end in ways or not frontier:
                break
            reached: dict[str, list[Link]] = {}
            for place in frontier:
                for link in self.by_end.get(place, ()):
                    if link.other(place) not in ways:
                        reached.setdefault(link.other(place), []).append(link)
            ways.update(reached)
            frontier = list(reached)
        if end in ways and start != end:
            yield from _walk(ways, start, end)


def view(known: VaultKnowledge, query: GraphQuery) -> GraphView | None:
    """What is asked for; None where an entity that is named is not known."""
    graph = KnowledgeGraph.of(known, query.at, query.status)
    if query.entity is None:
        whose = graph.names.name(main_subject(known.timeline))
        linked = [whose] if whose in graph.by_end else []
        names = dict.fromkeys([*linked, *(one.name for one in known.entities)], 0)
        return _seen(graph, None, dict(islice(names.items(), query.most)), ())
    centre = graph.name(query.entity)
    target = None if query.to is None else graph.name(query.to)
    if centre is None or (query.to is not None and target is None):
        return None
    if target is None:
        return _seen(graph, centre, graph.around(centre, query.depth, query.most), ())
    paths = tuple(islice(graph.paths(centre, target), MOST_PATHS))
    on_the_way = {centre: 0}
    for path in paths:
        place = centre
        for distance, link in enumerate(path, 1):
            place = link.other(place)
            on_the_way.setdefault(place, distance)
    return _seen(graph, centre, on_the_way, paths)


def _seen(
    graph: KnowledgeGraph, centre: str | None, distances: dict[str, int], paths: tuple[tuple[Link, ...], ...]
) -> GraphView:
    return GraphView(
        centre,
        tuple((graph.entity(name), distance) for name, distance in distances.items()),
        tuple(link for link in graph.links if link.subject in distances and link.object in distances),
        paths,
    )


def _walk(ways: dict[str, list[Link]], start: str, place: str) -> Iterator[tuple[Link, ...]]:
    if place == start:
        yield ()
        return
    for link in ways[place]:
        for way in _walk(ways, start, link.other(place)):
            yield (*way, link)


def _relations(known: VaultKnowledge, names: Names, at: datetime, wanted: Wanted) -> Iterator[Link]:
    for one in known.relations:
        if is_wanted(standing(one.valid_from, one.valid_to, at), wanted):
            ends = (names.name(one.subject), one.relation, names.name(one.object))
            yield Link(*ends, one.evidence, one.stated_at, one.valid_from, one.valid_to)


def _memories(known: VaultKnowledge, names: Names, at: datetime, wanted: Wanted) -> Iterator[Link]:
    """Memories whose value names an entity: ``home: Lisbon``. A whole sentence links nobody."""
    for one in known.timeline.believed():
        is_meant = is_wanted(standing_of(one, at), wanted) and not (one.is_quotation or one.is_withheld)
        if not is_meant or one.attribute in SENTENCES:
            continue
        for name in names.named_in(one.value):
            ends = (names.name(one.subject), one.attribute.value, name)
            yield Link(*ends, one.evidence, one.stated_at, one.valid_from, one.valid_to, one.id)


def _together(known: VaultKnowledge) -> Iterator[Link]:
    for one in known.co_occurrences:
        yield Link(one.first, TOGETHER, one.second, together=one.messages)
