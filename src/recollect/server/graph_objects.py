"""The knowledge graph as clients see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.domain.standing import standing
from recollect.remembering.graph_view import TOGETHER
from recollect.wire.knowledge_objects import source_objects
from recollect.wire.memory_objects import time_text

if TYPE_CHECKING:
    from datetime import datetime

    from recollect.remembering.graph_view import GraphView, Link
    from recollect.wire.knowledge_objects import Told


def graph_object(view: GraphView, told: Told, at: datetime) -> dict[str, object]:
    """Entities, how they are linked, and the ways between two of them."""
    return {
        "object": "graph",
        "entity": view.centre,
        "entities": [
            {
                "object": "entity",
                "name": one.name,
                "aliases": list(one.aliases),
                "mentions": len(one.mentions),
                "distance": distance,
            }
            for one, distance in view.entities
        ],
        "relations": [_relation(link, told, at) for link in view.links if link.relation != TOGETHER],
        "co_occurrences": [
            {"first": link.subject, "second": link.object, "messages": len(link.together)}
            for link in view.links
            if link.relation == TOGETHER
        ],
        "paths": [
            [{"subject": link.subject, "relation": link.relation, "object": link.object} for link in path]
            for path in view.paths
        ],
    }


def _relation(link: Link, told: Told, at: datetime) -> dict[str, object]:
    return {
        "subject": link.subject,
        "relation": link.relation,
        "object": link.object,
        "status": standing(link.valid_from, link.valid_to, at).value,
        "valid_from": time_text(link.valid_from),
        "valid_to": time_text(link.valid_to),
        "stated_at": time_text(link.stated_at),
        "memory_id": link.memory,
        "sources": source_objects(link.evidence, told),
    }
