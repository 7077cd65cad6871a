"""Changes to ``/v1/memory/memories``: add, edit, pin, let expire, judge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.routing import Route

from recollect.domain.edits import Feedback
from recollect.domain.statements import Statement
from recollect.server.call import json_response, missing
from recollect.server.routes.memories import editable
from recollect.server.statements import WORDS, statement_changes
from recollect.server.told import memory_objects

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from recollect.domain.ids import VaultId
    from recollect.domain.memories import Memory
    from recollect.domain.vaults import Vault
    from recollect.remembering.editing import MemoryEditor
    from recollect.server.call import Call, CallReader

FIELDS = frozenset({*WORDS, "is_pinned", "expires_at"})


def routes(calls: CallReader) -> list[Route]:
    """The routes of this noun."""

    async def add(request: Request) -> Response:
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=True)
        changes, marks = statement_changes(call), Marks.of(call)
        if "value" not in changes and "text" not in changes:
            raise missing(param="value")
        statement = replace(Statement(changes.get("text", "")), **changes)
        vault = await _vault(call, may_create=not statement.sources)
        memory = await marks.put(call.gateway.editor, vault.id, await call.gateway.editor.add(vault, statement))
        return await _reply(call, vault.id, memory, status=201)

    async def edit(request: Request) -> Response:
        """Each field that is given changes; a null takes a time or a category away."""
        call = await calls.read(request, FIELDS)
        call.require_mode(stores=True)
        identifier = editable(request)
        changes, marks = statement_changes(call), Marks.of(call)
        vault = await call.vault()
        editor = call.gateway.editor
        memory = await (editor.edit(vault, identifier, changes) if changes else editor.find(vault.id, identifier))
        return await _reply(call, vault.id, await marks.put(editor, vault.id, memory))

    async def judge(request: Request) -> Response:
        call = await calls.read(request, {"feedback"})
        call.require_mode(stores=True)
        identifier = editable(request)
        feedback = _feedback(call)
        vault = (await call.vault()).id
        return await _reply(call, vault, await call.gateway.editor.hear(vault, identifier, feedback))

    return [
        Route("/memory/memories", add, methods=["POST"]),
        Route("/memory/memories/{memory_id}/feedback", judge, methods=["POST"]),
        Route("/memory/memories/{memory_id:path}", edit, methods=["PATCH"]),
    ]


async def _vault(call: Call, *, may_create: bool) -> Vault:
    if not (may_create and call.controls.may_create_user):
        return await call.vault()
    vault = await call.gateway.store.vaults.open_vault(call.principal.project, call.user, may_create=True)
    return vault or await call.vault()


def _feedback(call: Call) -> Feedback:
    given = call.fields.choice("feedback", Feedback, code="invalid_feedback")
    if given is None:
        raise missing(param="feedback")
    return given


@dataclass(frozen=True, slots=True)
class Marks:
    """What else the body wants of a memory: all of it is checked before anything is stored."""

    is_pinned: bool | None
    is_dated: bool
    expires_at: datetime | None

    @classmethod
    def of(cls, call: Call) -> Marks:
        """As the body says."""
        fields = call.fields
        is_dated = "expires_at" in fields.document.values
        return cls(fields.optional_flag("is_pinned"), is_dated, fields.time("expires_at"))

    async def put(self, editor: MemoryEditor, vault: VaultId, memory: Memory) -> Memory:
        """Pinned and given an end, where the body says so."""
        if self.is_pinned is not None:
            memory = await editor.pin(vault, memory.id, is_pinned=self.is_pinned)
        return await editor.expire(vault, memory.id, self.expires_at) if self.is_dated else memory


async def _reply(call: Call, vault: VaultId, memory: Memory, *, status: int = 200) -> Response:
    return json_response((await memory_objects(call, vault, [memory]))[0], status=status)
