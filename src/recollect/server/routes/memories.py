"""``/v1/memory/memories``: what is known and what is stored, one by one.

A memory was distilled from messages (``mem_…``), a summary is a session's (``sum_…``), a passage is a stored message
(``msg_…``). Lists go through the kinds in this order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.ids import MemoryId, MessageNumber, SessionName, parse_message_id
from recollect.domain.memories import Attribute
from recollect.domain.standing import Wanted
from recollect.errors import InvalidRequestError, NotFoundError
from recollect.remembering.choosing import MemoryFilter, choose, places
from recollect.remembering.editing import unknown_memory
from recollect.server.call import json_response
from recollect.server.shapes import list_object, message_object
from recollect.server.told import memory_objects, session_of, summary_objects

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.ids import SessionNumber, VaultId
    from recollect.domain.messages import StoredMessage
    from recollect.server.call import Call, CallReader

ABOUT = frozenset({"subject", "attribute", "entity", "category", "status", "is_pinned", "as_of", "known_at"})
"""Filters that only memories know: with one of them, nothing else is listed."""
LIST_FIELDS = frozenset({"limit", "after", "kind", *ABOUT})
SCANNED = 1000


class Kind(StrEnum):
    """What is listed."""

    MEMORY = "memory"
    SUMMARY = "summary"
    PASSAGE = "passage"

    @classmethod
    def of(cls, identifier: str) -> Kind:
        """What an id means."""
        return {"mem": cls.MEMORY, "sum": cls.SUMMARY}.get(identifier.partition("_")[0], cls.PASSAGE)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a vault: at most ``size`` entries behind ``after``, of one session where one is named."""

    vault: VaultId
    size: int
    after: str | None
    session: SessionNumber | None
    memories: MemoryFilter


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def list_memories(request: Request) -> Response:
        call = await calls.read(request, LIST_FIELDS)
        size = call.page_size()
        listing = await parse(call, size + 1)
        found: list[dict[str, object]] = []
        for kind in _kinds(call):
            if len(found) <= size:
                found += await LISTS[kind](call, listing, size + 1 - len(found))
        return json_response(list_object(found[:size], has_more=len(found) > size))

    async def get_memory(request: Request) -> Response:
        call = await calls.read(request)
        vault = (await call.vault()).id
        identifier = request.path_params["memory_id"]
        return json_response(await READS[Kind.of(identifier)](call, vault, identifier))

    async def history(request: Request) -> Response:
        """Every version of a memory, oldest first; each but the last says why it is no longer believed."""
        call = await calls.read(request)
        vault = (await call.vault()).id
        identifier = request.path_params["memory_id"]
        versions = (await call.gateway.knowledge.of(vault)).timeline.history(MemoryId(identifier))
        if not versions:
            raise unknown_memory(identifier)
        return json_response(list_object(await memory_objects(call, vault, versions), has_more=False))

    async def delete(request: Request) -> Response:
        """A memory, or a message with all that only it supported."""
        call = await calls.read(request, {"with_sources"})
        identifier = request.path_params["memory_id"]
        messages = await _delete(call, request)
        return json_response(
            {"id": identifier, "object": "memory.deleted", "deleted": True, "messages_deleted": messages}
        )

    return [
        Route("/memory/memories", list_memories, methods=["GET"]),
        Route("/memory/memories/{memory_id}/history", history, methods=["GET"]),
        Route("/memory/memories/{memory_id:path}", get_memory, methods=["GET"]),
        Route("/memory/memories/{memory_id:path}", delete, methods=["DELETE"]),
    ]


async def parse(call: Call, size: int) -> Listing:
    """What is to be listed. NotFoundError for a session that is not there."""
    fields, controls = call.fields, call.controls
    vault = (await call.vault()).id
    session = None
    messages = None
    if controls.session is not None:
        found = await call.gateway.store.sessions.find_session(vault, SessionName(controls.session))
        if found is None:
            text = f"There is no session {controls.session!r} of this user."
            raise NotFoundError(text, code="session_not_found", param="session_id")
        session = found.number
        messages = frozenset(one.number for one in await call.gateway.store.sessions.branch(vault, session))
    known_at = fields.time("known_at")
    wanted = MemoryFilter(
        at=controls.as_of or known_at or datetime.now(UTC),
        status=wanted_status(call),
        known_at=known_at,
        subject=fields.optional_text("subject"),
        attribute=fields.choice("attribute", Attribute, code="invalid_attribute"),
        entity=fields.optional_text("entity"),
        category=fields.optional_text("category"),
        is_pinned=fields.optional_flag("is_pinned"),
        messages=messages,
    )
    return Listing(vault, size, fields.optional_text("after", most=1024), session, wanted)


def wanted_status(call: Call) -> Wanted:
    """What is so or will be; with ``as_of``, only what was so then."""
    default = Wanted.OPEN if call.controls.as_of is None else Wanted.CURRENT
    return call.fields.choice("status", Wanted, code="invalid_status") or default


def _kinds(call: Call) -> list[Kind]:
    """What is listed, beginning with what the last page ended with."""
    wanted = call.fields.choice("kind", Kind, code="invalid_kind")
    kinds = [Kind.MEMORY] if any(call.fields.has(name) for name in ABOUT) else list(Kind)
    kinds = kinds if wanted is None else [wanted]
    after = call.fields.optional_text("after", most=1024)
    return kinds[kinds.index(kind) :] if after is not None and (kind := Kind.of(after)) in kinds else kinds


async def _memories(call: Call, listing: Listing, size: int) -> list[dict[str, object]]:
    known = await call.gateway.knowledge.of(listing.vault)
    chosen = choose(known, listing.memories)
    if listing.after is not None and Kind.of(listing.after) is Kind.MEMORY:
        order = places(known)
        if listing.after not in order:
            raise unknown_memory(listing.after)
        chosen = tuple(one for one in chosen if order[one.id] > order[MemoryId(listing.after)])
    return await memory_objects(call, listing.vault, chosen[:size], listing.memories.at)


async def _summaries(call: Call, listing: Listing, size: int) -> list[dict[str, object]]:
    known = await call.gateway.knowledge.of(listing.vault)
    first = 0
    if listing.after is not None and Kind.of(listing.after) is Kind.SUMMARY:
        first = await _summarised(call, listing.vault, listing.after) + 1
    numbers = [one for one in sorted(known.summaries) if one >= first and listing.session in {None, one}][:size]
    sessions = [await session_of(call, listing.vault, number) for number in numbers]
    pairs = [(one, known.summaries[one.number]) for one in sessions if one is not None]
    return await summary_objects(call, listing.vault, pairs)


async def _passages(call: Call, listing: Listing, size: int) -> list[dict[str, object]]:
    after = None
    if listing.after is not None and Kind.of(listing.after) is Kind.PASSAGE:
        after = (await find_message(call, listing.vault, listing.after)).number
    found: list[StoredMessage] = []
    scanned = size if listing.session is None else SCANNED
    while len(found) < size:
        page = await call.gateway.store.messages.list_messages(listing.vault, limit=scanned, after=after)
        found += [one for one in page if listing.session in {None, one.session_number}]
        if len(page) < scanned:
            break
        after = MessageNumber(page[-1].number)
    return [message_object(one) for one in found[:size]]


LISTS = {Kind.MEMORY: _memories, Kind.SUMMARY: _summaries, Kind.PASSAGE: _passages}


async def _read_memory(call: Call, vault: VaultId, identifier: str) -> dict[str, object]:
    """The newest version."""
    memory = await call.gateway.editor.find(vault, MemoryId(identifier))
    return (await memory_objects(call, vault, [memory]))[0]


async def _read_summary(call: Call, vault: VaultId, identifier: str) -> dict[str, object]:
    number = await _summarised(call, vault, identifier)
    session = await session_of(call, vault, number)
    summary = (await call.gateway.knowledge.of(vault)).summaries.get(number)
    if session is None or summary is None:
        raise unknown_memory(identifier)
    return (await summary_objects(call, vault, [(session, summary)]))[0]


async def _read_passage(call: Call, vault: VaultId, identifier: str) -> dict[str, object]:
    return message_object(await find_message(call, vault, identifier))


READS = {Kind.MEMORY: _read_memory, Kind.SUMMARY: _read_summary, Kind.PASSAGE: _read_passage}


async def _summarised(call: Call, vault: VaultId, identifier: str) -> SessionNumber:
    name = SessionName(identifier.removeprefix("sum_"))
    session = await call.gateway.store.sessions.find_session(vault, name)
    if session is None:
        raise unknown_memory(identifier)
    return session.number


async def find_message(call: Call, vault: VaultId, text: str) -> StoredMessage:
    """The message that an id means; an id of a search result may point at a piece of it."""
    identifier = parse_message_id(text.partition(":")[0])
    message = None if identifier is None else await call.gateway.store.messages.find_message(vault, identifier)
    if message is None:
        raise unknown_memory(text)
    return message


def editable(request: Request) -> MemoryId:
    """The memory that the path names. What was said, and what sums it up, cannot be changed."""
    identifier = request.path_params["memory_id"]
    if Kind.of(identifier) is not Kind.MEMORY:
        message = (
            "Only memories (`mem_…`) can be changed. A message is what was said: delete it, or add a memory that says"
            " what is right. A summary follows its session's messages."
        )
        raise InvalidRequestError(message, code="not_editable", param="memory_id")
    return MemoryId(identifier)


async def _delete(call: Call, request: Request) -> int:
    """How many messages went."""
    vault, identifier = (await call.vault()).id, request.path_params["memory_id"]
    if Kind.of(identifier) is not Kind.PASSAGE:
        with_sources = call.fields.optional_flag("with_sources") or False
        return await call.gateway.editor.delete(vault, editable(request), with_sources=with_sources)
    message = await find_message(call, vault, identifier)
    if not await call.gateway.store.messages.delete_message(vault, message.id):
        raise unknown_memory(identifier)
    call.gateway.extraction.notify()
    return 1
