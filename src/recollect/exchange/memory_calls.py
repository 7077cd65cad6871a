"""The memory surface: ingest, search and prepare, built from the same stages as an exchange."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import orjson

from recollect.domain.alignment import Alignment, align
from recollect.domain.calls import IngestResult, PrepareResult, SearchResult
from recollect.domain.capture import AtHead, Capture
from recollect.domain.ids import SessionName, TraceId, new_id
from recollect.domain.recall import MemoryStatus, RecallRequest, RecallResult
from recollect.domain.traces import Trace
from recollect.errors import NotFoundError, StoreUnavailableError
from recollect.exchange.exchange import Exchange
from recollect.exchange.ports import IncomingRequest
from recollect.exchange.remember import recall_record, recall_sources
from recollect.wire.dialects import DIALECTS
from recollect.wire.json_document import JsonDocument

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from recollect.domain.calls import IngestCall, PrepareCall, SearchCall
    from recollect.domain.keys import Principal
    from recollect.domain.vaults import Session, Vault
    from recollect.exchange.inject import Injector
    from recollect.exchange.ports import Indexing, Recaller
    from recollect.exchange.recall import RecallStage
    from recollect.exchange.remember import Rememberer
    from recollect.exchange.resolve import Resolver
    from recollect.stores.base import Store


@dataclass(frozen=True, slots=True)
class MemoryCalls:
    """What ``/v1/memory/ingest``, ``search`` and ``prepare`` do."""

    store: Store
    engine: Recaller
    worker: Indexing
    resolver: Resolver
    recall: RecallStage
    injector: Injector
    rememberer: Rememberer
    now: Callable[[], datetime]
    index_timeout_s: float = 120.0

    async def ingest(self, principal: Principal, call: IngestCall) -> IngestResult:
        """Store messages behind what the session holds; StoreUnavailableError where the store is away: the caller
        still has them, so they are not spooled."""
        now = self.now()
        vault = await self._vault(principal, call.user, may_create=call.may_create_user)
        session = await self._session_of_ingest(vault, call, now)
        name = session.name if session else call.session_id or SessionName(new_id("ses"))
        alignment = await self._align_ingest(vault, session, call)
        fresh = call.messages[alignment.known :]
        stored, duplicates = 0, alignment.known
        if fresh:
            receipt = await self.store.messages.capture(
                Capture(
                    project=principal.project,
                    user=call.user,
                    session=name,
                    anchor=alignment.anchor,
                    messages=fresh,
                    captured_at=now,
                    agent_id=call.agent_id,
                )
            )
            stored, duplicates = receipt.stored, duplicates + receipt.duplicates
            self.worker.notify()
        is_indexed = False
        if call.waits_for_index:
            vault = vault or await self._vault(principal, call.user, may_create=True)
            is_indexed = vault is None or await self.worker.wait_indexed(vault.id, self.index_timeout_s)
        return IngestResult(stored=stored, duplicates=duplicates, session_id=name, is_indexed=is_indexed)

    async def search(self, principal: Principal, call: SearchCall) -> SearchResult:
        """Rank the vault against a question. An unknown user has nothing to be found."""
        trace_id = TraceId(new_id("trc"))
        vault = await self.store.vaults.open_vault(principal.project, call.user, may_create=False)
        if vault is None:
            return SearchResult(RecallResult(status=MemoryStatus.EMPTY, strategy=call.strategy), trace_id)
        now = self.now()
        result = await self.engine.recall(
            vault.id,
            RecallRequest(
                query=call.query,
                strategy=call.strategy,
                limit=call.limit,
                now=now,
                timezone=ZoneInfo(call.timezone),
                as_of=call.as_of,
                since=call.since,
                until=call.until,
                threshold=call.threshold,
                filters=call.filters,
                agent_id=call.agent_id,
                session=call.session_id,
                is_explained=call.is_explained,
            ),
        )
        await self._trace_search(trace_id, vault, result, call, now)
        return SearchResult(result, trace_id)

    async def prepare(self, principal: Principal, call: PrepareCall) -> PrepareResult:
        """What a request would be sent as. Stores no message, but remembers the block, so that it is put back byte
        for byte when the history is prepared again."""
        exchange = self._exchange_of(principal, call)
        dialect, prompt, document = exchange.dialect, exchange.prompt, exchange.document
        if dialect is None or prompt is None or document is None:
            message = f"prepare was called with an unknown dialect: {call.dialect}"
            raise ValueError(message)
        place = await self.resolver.resolve(principal, exchange.controls, prompt, exchange.started_at)
        exchange.place = replace(place, sent_only_newest=place.sent_only_newest and call.controls.session is not None)
        await self.recall.run(exchange, None, keeps_retries=False)
        self.injector.run(exchange)
        injection = exchange.injection
        if injection is not None and place.vault is not None:
            await self._put_injection(exchange)
        await self.rememberer.run(exchange)
        return PrepareResult(
            context=injection.block if injection else "",
            hits=exchange.recalled.selection if exchange.recalled and injection else (),
            tokens=exchange.block_tokens,
            body=dialect.edit(document, exchange.edit),
            session_id=place.session_name,
            trace_id=exchange.id,
        )

    def _exchange_of(self, principal: Principal, call: PrepareCall) -> Exchange:
        request = IncomingRequest(method="POST", path="memory/prepare", query="", headers=(), body=call.body)
        dialect = DIALECTS[call.dialect]
        document = JsonDocument.parse(call.body)
        return Exchange(
            request,
            TraceId(new_id("trc")),
            self.now(),
            principal=principal,
            dialect=dialect,
            document=document,
            prompt=dialect.read(document),
            controls=call.controls,
        )

    async def _put_injection(self, exchange: Exchange) -> None:
        place, injection = exchange.place, exchange.injection
        if place is None or place.vault is None or injection is None:
            return
        try:
            await self.store.injections.put_injection(place.vault.id, injection)
        except StoreUnavailableError:
            return  # the block is in the answer; only its byte-identical return is lost

    async def _vault(self, principal: Principal, user: str, *, may_create: bool) -> Vault | None:
        vault = await self.store.vaults.open_vault(principal.project, user, may_create=False)
        if vault is None and not may_create:
            message = f"The user {user!r} is not known in this project, and its creation was not allowed."
            raise NotFoundError(message, code="user_not_found", param="user")
        return vault

    async def _session_of_ingest(self, vault: Vault | None, call: IngestCall, now: datetime) -> Session | None:
        if vault is None:
            return None
        if call.session_id is not None:
            return await self.store.sessions.find_session(vault.id, call.session_id)
        latest = await self.store.sessions.latest_session(vault.id, call.agent_id)
        is_open = latest is not None and now - latest.last_active_at <= timedelta(seconds=call.session_timeout_s)
        return latest if is_open else None

    async def _align_ingest(self, vault: Vault | None, session: Session | None, call: IngestCall) -> Alignment:
        """Ingested messages repeat or continue a session, they never edit it. They are compared by identity: the same
        words with another time or id are another message."""
        appended = Alignment(AtHead(), known=0, matched=0)
        if vault is None or session is None:
            return appended
        marks = [message.identity for message in call.messages]
        branch = await self.store.sessions.branch(vault.id, session.number)
        found = align(marks, [replace(entry, fingerprint=entry.identity) for entry in branch])
        return found if found.reaches_head or found.known == len(marks) else appended

    async def _trace_search(
        self, trace_id: TraceId, vault: Vault, result: RecallResult, call: SearchCall, now: datetime
    ) -> None:
        record = {
            "id": trace_id,
            "object": "trace",
            "created_at": now.isoformat(),
            "path": "memory/search",
            "user": call.user,
            "recall": recall_record(result),
        }
        ranked = {number for hit in result.ranking for number in hit.numbers}
        sources = tuple(sorted(ranked | recall_sources(result)))
        trace = Trace(trace_id, vault.project, vault.id, now, orjson.dumps(record).decode(), sources)
        try:
            await self.store.traces.put_trace(trace)
        except StoreUnavailableError:
            return  # as for every trace: a convenience
