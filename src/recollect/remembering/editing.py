"""What people do to the memories of a vault. Nothing is overwritten: each is an edit, folded in with what was said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from recollect.domain.capture import AtHead, Capture
from recollect.domain.edits import Edit, EditKind
from recollect.domain.ids import SessionName, message_id_text, new_id
from recollect.domain.memories import SENTENCES, Attribute, Claim, Evidence
from recollect.domain.messages import NewMessage
from recollect.domain.statements import NEW_WORDS, Pointer, statement_of
from recollect.errors import InvalidRequestError, NotFoundError
from recollect.extractors.base import EVIDENCE_ROLES
from recollect.extractors.instructions import is_instruction
from recollect.remembering.profile import main_subject
from recollect.stores.text import storable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from recollect.domain.edits import Feedback
    from recollect.domain.ids import ConflictId, MemoryId, MessageId, MessageNumber, VaultId
    from recollect.domain.memories import Conflict, Memory
    from recollect.domain.messages import StoredMessage
    from recollect.domain.statements import Statement, StatementChanges
    from recollect.domain.vaults import Vault
    from recollect.remembering.knowledge import Knowledge
    from recollect.stores.base import Store

STATEMENTS = "memories"
"""The session that statements are captured in, and its agent: no conversation is taken for its continuation."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Where a statement is borne out. ``message`` was captured for it, or is None."""

    evidence: tuple[Evidence, ...]
    stated_at: datetime
    message: MessageNumber | None


@dataclass(frozen=True, slots=True)
class MemoryEditor:
    """Adds, edits, marks and removes memories, and settles conflicts. StoreUnavailableError passes.

    NotFoundError where the vault holds no such memory, message or conflict; InvalidRequestError where a quote does not
    stand in its message, or an end lies before its beginning. ``on_captured`` is told of messages that wait to be
    indexed, ``on_deleted`` of sessions that are to be read again.
    """

    store: Store
    knowledge: Knowledge
    clock: Callable[[], datetime]
    on_captured: Callable[[], None]
    on_deleted: Callable[[], None]

    async def find(self, vault: VaultId, memory: MemoryId) -> Memory:
        """The newest version of a memory, believed or not."""
        versions = (await self.knowledge.of(vault)).timeline.history(memory)
        if not versions:
            raise unknown_memory(memory)
        return versions[-1]

    async def add(self, vault: Vault, statement: Statement) -> Memory:
        """Remember a statement; where the same is known already, this confirms it."""
        now = await self._now(vault.id)
        if not statement.subject:
            known = await self.knowledge.of(vault.id)
            statement = replace(statement, subject=main_subject(known.timeline))
        statement = _storable(statement)
        told = await self._told(vault, statement, now)
        claim = _claim(statement, told, now)
        await self._keep(vault.id, Edit(EditKind.ADD, now, claim=claim, told=told.message))
        timeline = (await self.knowledge.of(vault.id)).timeline
        return next(one for one in reversed(timeline.memories) if _rests_on(one, claim))

    async def edit(self, vault: Vault, memory: MemoryId, changes: StatementChanges) -> Memory:
        """A new version, which says what ``changes`` name. Where only times or the category change, its sources stay;
        new words are somebody's own statement, unless sources are given. ``text`` alone makes it a note."""
        now = await self._now(vault.id)
        known = await self.find(vault.id, memory)
        if "text" in changes and "value" not in changes:
            changes = {**_sentence(known, changes["text"]), **changes}
        statement = _storable(replace(statement_of(known), **changes))
        if statement.sources or not NEW_WORDS.isdisjoint(changes):
            told = await self._told(vault, statement, now)
        else:
            _check_times(statement)
            told = _Told(known.evidence, known.stated_at, None)
        edit = Edit(EditKind.EDIT, now, memory, _claim(statement, told, now), told=told.message)
        await self._keep(vault.id, edit)
        return await self.find(vault.id, memory)

    async def pin(self, vault: VaultId, memory: MemoryId, *, is_pinned: bool) -> Memory:
        """Have it told whenever its messages come up, and first in the profile; or no longer."""
        return await self._mark(
            vault, Edit(EditKind.PIN if is_pinned else EditKind.UNPIN, await self._now(vault), memory)
        )

    async def expire(self, vault: VaultId, memory: MemoryId, at: datetime | None) -> Memory:
        """Do not recall it from a moment on (None: recall it for ever)."""
        return await self._mark(vault, Edit(EditKind.EXPIRE, await self._now(vault), memory, expires_at=at))

    async def hear(self, vault: VaultId, memory: MemoryId, feedback: Feedback) -> Memory:
        """Note what somebody thinks of it."""
        return await self._mark(vault, Edit(EditKind.FEEDBACK, await self._now(vault), memory, feedback=feedback))

    async def delete(self, vault: VaultId, memory: MemoryId, *, with_sources: bool = False) -> int:
        """Remove a memory, and the statements that were made for it; how many messages went. ``with_sources``: also
        the messages of conversations that any of its versions quotes, with all that only they supported."""
        known = await self.knowledge.of(vault)
        versions = known.timeline.history(memory)
        if not versions:
            raise unknown_memory(memory)
        quoted = {one.message for version in versions for one in version.evidence}
        gone = sorted(quoted if with_sources else quoted & known.statements)
        await self._keep(vault, Edit(EditKind.DELETE, await self._now(vault), memory))
        deleted = 0
        for message in await self.store.messages.messages(vault, gone):
            deleted += await self.store.messages.delete_message(vault, message.id)
        if deleted:
            self.on_deleted()
        return deleted

    async def resolve(self, vault: VaultId, conflict: ConflictId, memory: MemoryId | None) -> Conflict:
        """Settle a conflict: this side is right, or (None) both are. The conflict as it was."""
        waiting = (await self.knowledge.of(vault)).timeline.conflicts
        found = next((one for one in waiting if one.id == conflict), None)
        if found is None:
            message = f"There is no conflict {conflict!r} in this vault that waits for an answer."
            raise NotFoundError(message, code="conflict_not_found", param="conflict_id")
        if memory is not None and memory not in found.memories:
            message = f"`choice` must be one of {', '.join(found.memories)}, or `both`."
            raise InvalidRequestError(message, code="invalid_choice", param="choice")
        await self._keep(vault, Edit(EditKind.RESOLVE, await self._now(vault), memory, conflict=conflict))
        return found

    async def _now(self, vault: VaultId) -> datetime:
        """Not before what is known was recorded, for the clocks of several hosts may differ: an edit comes after it."""
        known = (await self.knowledge.of(vault)).timeline.memories
        now = self.clock()
        return max(now, known[-1].recorded_at) if known else now

    async def _mark(self, vault: VaultId, edit: Edit) -> Memory:
        if edit.memory is None:
            message = "An edit that marks a memory names it."
            raise ValueError(message)
        await self.find(vault, edit.memory)
        await self._keep(vault, edit)
        return await self.find(vault, edit.memory)

    async def _keep(self, vault: VaultId, edit: Edit) -> None:
        if not await self.store.knowledge.add_edit(vault, edit):
            message = (
                "A message that this rests on was deleted at the same moment. Look again, and repeat it if need be."
            )
            raise NotFoundError(message, code="memory_not_found", param="memory_id")

    async def _told(self, vault: Vault, statement: Statement, now: datetime) -> _Told:
        _check_times(statement)
        if statement.sources:
            said = [await self._pointed(vault.id, place, one) for place, one in enumerate(statement.sources)]
            evidence = tuple(one for _, one in said)
            return _Told(evidence, max(message.occurred_at for message, _ in said), None)
        words = statement.words
        receipt = await self.store.messages.capture(_capture(vault, words, now))
        self.on_captured()
        (number,) = receipt.numbers
        return _Told((Evidence(number, 0, len(words), words),), now, number)

    async def _pointed(self, vault: VaultId, place: int, pointer: Pointer) -> tuple[StoredMessage, Evidence]:
        message = await self.store.messages.find_message(vault, pointer.message)
        if message is None:
            raise unknown_message(pointer.message, place)
        where = f"sources[{place}]"
        if message.role not in EVIDENCE_ROLES or not message.is_live:
            text = f"`{where}` must be a message of a user or an assistant that was not edited away."
            raise InvalidRequestError(text, code="invalid_source", param=f"{where}.message_id")
        quote = message.text if pointer.quote is None else pointer.quote
        start = message.text.find(quote)
        if start < 0 or not quote:
            text = f"`{where}.quote` must stand in the message, character for character."
            raise InvalidRequestError(text, code="quote_not_found", param=f"{where}.quote")
        return message, Evidence(message.number, start, start + len(quote), quote)


def unknown_memory(memory: str) -> NotFoundError:
    """The error for a memory that the vault does not hold."""
    return NotFoundError(f"There is no memory {memory!r} in this vault.", code="memory_not_found", param="memory_id")


def unknown_message(message: MessageId, place: int) -> NotFoundError:
    """The error for a source that the vault does not hold."""
    text = f"There is no message {message_id_text(message)!r} in this vault."
    return NotFoundError(text, code="memory_not_found", param=f"sources[{place}].message_id")


def _storable(statement: Statement) -> Statement:
    """As a database gives it back, so that what is quoted is what is stored."""
    return replace(
        statement,
        value=storable(statement.value),
        subject=storable(statement.subject),
        category=storable(statement.category),
        text=storable(statement.text),
        sources=tuple(Pointer(one.message, one.quote and storable(one.quote)) for one in statement.sources),
    )


def _check_times(statement: Statement) -> None:
    begins, ends = statement.valid_from, statement.valid_to
    if begins is not None and ends is not None and ends < begins:
        message = f"`valid_to` must be later than `valid_from`, {begins:%Y-%m-%d}."
        raise InvalidRequestError(message, code="invalid_time", param="valid_to")


def _sentence(known: Memory, text: str) -> StatementChanges:
    """``I live in Lisbon now`` is no home, but a sentence."""
    attribute = known.attribute if known.attribute in SENTENCES else Attribute.NOTE
    return {"value": text, "attribute": attribute}


def _rests_on(one: Memory, claim: Claim) -> bool:
    is_same_topic = (one.subject, one.attribute) == (claim.subject, claim.attribute)
    return is_same_topic and set(claim.evidence) <= set(one.evidence)


def _claim(statement: Statement, told: _Told, now: datetime) -> Claim:
    return Claim(
        subject=statement.subject,
        attribute=statement.attribute,
        value=statement.value,
        evidence=told.evidence,
        stated_at=told.stated_at,
        valid_from=statement.valid_from,
        valid_to=statement.valid_to,
        is_quotation=is_instruction(statement.value) or is_instruction(statement.subject),
        category=statement.category,
        recorded_at=now,
    )


def _capture(vault: Vault, words: str, now: datetime) -> Capture:
    """Its content is like no other's, so that no request's history is taken for it."""
    part = {"type": "text", "text": words, "statement": new_id("stm")}
    said = NewMessage("user", words, now, content=orjson.dumps([part]).decode())
    return Capture(
        project=vault.project,
        user=vault.user,
        session=SessionName(STATEMENTS),
        anchor=AtHead(),
        messages=(said,),
        captured_at=now,
        agent_id=STATEMENTS,
    )
