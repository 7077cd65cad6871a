"""What was distilled, and what can be done to it, as JSON schemas."""

from __future__ import annotations

from recollect.domain.edits import Feedback
from recollect.domain.memories import Attribute, Expiry
from recollect.domain.standing import Standing
from recollect.server.openapi.parts import Schema, array, choice, flag, moment, nullable, page, record, ref, text, whole
from recollect.server.openapi.shared import ABOUT, ADDRESS, BESIDE, HEAD

ATTRIBUTE = choice(*Attribute)
DISTILLED: dict[str, Schema] = {
    "subject": text("memory: whom it is about; `user` is the vault's own person where no name is known"),
    "attribute": {**ATTRIBUTE, "description": "memory: what it is about"},
    "value": text("memory: what it says"),
    "category": nullable(text("memory: one of the project's own")),
    "status": choice(
        *Standing,
        *Expiry,
        description="memory: how it stands now, or at `as_of`; of an older version, why it is no longer believed",
    ),
    "version": whole("memory: counts from 1"),
    "valid_from": nullable(moment("memory: since when it is so; null where that is not known")),
    "valid_to": nullable(moment("memory: until when it was so; null while it is")),
    "recorded_at": moment("memory: when this version was first believed here"),
    "expired_at": nullable(moment("memory: when this version ceased to be believed")),
    "expires_at": nullable(moment("memory: not recalled from then on")),
    "is_pinned": flag("memory: told whenever its messages come up, and first in the profile"),
    "is_withheld": flag("memory: somebody asked never to use it"),
    "is_quotation": flag("memory: shaped like an instruction, so kept as something that was said, and never injected"),
    "useful": whole("memory: how many said so"),
    "short": text("summary: a sentence or two"),
    "long": text("summary: a paragraph, or all of its sentences"),
    "is_verbatim": flag("summary: sentences of the session itself, not a model's words"),
}
SOURCE = record({"message_id": text(), "quote": text("all of the message where it is left out")}, "message_id")
STATED: dict[str, Schema] = {
    "value": text("what it says, as `Lisbon`"),
    "text": text("the same in somebody's own words; without `value`, all that it says"),
    "subject": text("whom it is about; the vault's own person where it is left out"),
    "attribute": {**ATTRIBUTE, "default": "note"},
    "category": nullable(text("any name")),
    "valid_from": nullable(moment("since when it is so")),
    "valid_to": nullable(moment("until when it was so")),
    "sources": array(
        ref("Source"), "messages that say so; without them it is a statement of yours, and is stored as one"
    ),
    "is_pinned": flag("tell it whenever its messages come up, and first in the profile"),
    "expires_at": nullable(moment("do not recall it from then on; null: for ever")),
}


def knowledge() -> dict[str, Schema]:
    """The schemas of memories, conflicts, the graph, and of having sessions read."""
    return {**_memories(), **_graph(), **_reading()}


def _graph() -> dict[str, Schema]:
    entity = record(
        {
            "object": choice("entity"),
            "name": text(),
            "aliases": array(text()),
            "mentions": whole("messages that name it"),
            "distance": whole("hops from `entity`"),
        },
        "name",
    )
    ends: dict[str, Schema] = {"subject": text(), "relation": text(), "object": text()}
    relation: dict[str, Schema] = {
        **ends,
        "status": choice(*Standing),
        "valid_from": nullable(moment()),
        "valid_to": nullable(moment()),
        "stated_at": nullable(moment("when it was last said")),
        "memory_id": nullable(text("the memory that says so; null where messages say it")),
        "sources": array(SOURCE),
    }
    together = record({"first": text(), "second": text(), "messages": whole("that name both")}, "first", "second")
    side: dict[str, Schema] = {
        "memory_id": text(),
        "value": text(),
        "text": text(),
        "stated_at": moment(),
        "sources": array(SOURCE),
    }
    return {
        "Graph": record(
            {
                "object": choice("graph"),
                "entity": nullable(text("the one in the middle, by its own name")),
                "entities": array(entity, "nearest first"),
                "relations": array(record(relation, *ends), "between these entities"),
                "co_occurrences": array(together, "entities that are named together, most often first"),
                "paths": array(array(record(ends, *ends)), "with `to`: up to five of the shortest ways"),
            },
            "object",
            "entities",
            "relations",
        ),
        "Conflict": record(
            {
                "id": text("`cfl_…`"),
                "object": choice("conflict"),
                "subject": text(),
                "attribute": ATTRIBUTE,
                "question": text(),
                "choices": array(record(side, "memory_id", "value")),
            },
            "id",
            "choices",
        ),
        "ConflictList": page("Conflict"),
        "ConflictAnswer": record(
            {**ADDRESS, "choice": text("the `memory_id` that is right, or `both`")}, "choice", is_open=False
        ),
        "ConflictResolved": record(
            {
                "id": text(),
                "object": choice("conflict.resolved"),
                "resolved": flag(),
                "choice": text(),
                "memories": array(ref("Memory"), "both, as they are now"),
            },
            "id",
            "resolved",
        ),
    }


def _reading() -> dict[str, Schema]:
    wait = flag("answer only when all of it is read, after 120 s at most")
    return {
        "ProcessRequest": record(
            {**ADDRESS, "wait": wait, "anew": flag("also what has been read already")}, is_open=False
        ),
        "Processed": record(
            {
                "object": choice("session.process"),
                "session_id": text(),
                "processed": flag("it is read; else it will be, and the status is 202"),
            },
            "session_id",
            "processed",
        ),
        "ReprocessRequest": record(
            {**ADDRESS, "extractor": text("only what this one found, as `rules`, `llm`"), "wait": wait}, is_open=False
        ),
        "Reprocessed": record(
            {
                "object": choice("reprocess"),
                "users": whole(),
                "sessions": whole("that will be read"),
                "extractors": array(text()),
                "processed": flag("all of it is read; else it will be, and the status is 202"),
            },
            "sessions",
            "processed",
        ),
    }


def _memories() -> dict[str, Schema]:
    return {
        "Memory": record({**HEAD, **ABOUT, **BESIDE, **DISTILLED}, "id", "object", "kind", "text"),
        "MemoryList": page("Memory"),
        "Source": SOURCE,
        "MemoryRequest": record({**ADDRESS, **STATED}, is_open=False),
        "FeedbackRequest": record({**ADDRESS, "feedback": choice(*Feedback)}, "feedback", is_open=False),
        "MemoryDeleted": record(
            {
                "id": text(),
                "object": choice("memory.deleted"),
                "deleted": flag(),
                "messages_deleted": whole("messages that went with it"),
            },
            "id",
            "deleted",
        ),
    }
