"""Stage 7: wake the background worker, and keep the trace. Nothing here is waited for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from recollect.domain.ids import message_id_text
from recollect.domain.traces import Trace
from recollect.errors import StoreUnavailableError
from recollect.exchange.exchange import Stored
from recollect.wire.usage_objects import cost_object, ledger_object

if TYPE_CHECKING:
    from recollect.domain.ids import MessageNumber
    from recollect.domain.recall import Browsing, Hit, RecallResult
    from recollect.exchange.exchange import Exchange, Place
    from recollect.exchange.ledger import LedgerKeeper
    from recollect.exchange.ports import Indexing
    from recollect.stores.base import TraceStore, VaultStore

TRACED_HITS = 50


def hit_record(hit: Hit) -> dict[str, object]:
    """A candidate as traces show it: where it is from, and every raw signal."""
    return {
        "kind": hit.kind,
        **({"id": hit.id} if hit.id else {}),
        "message_id": message_id_text(hit.message.id),
        "session_id": hit.message.session,
        "role": hit.message.role,
        "start": hit.start,
        "end": hit.end,
        "tokens": hit.tokens,
        "score": round(hit.score, 4),
        "signals": {name: round(value, 4) for name, value in hit.signals.items()},
    }


def recall_record(result: RecallResult) -> dict[str, object]:
    """A recall as traces show it: candidates, raw signals, the gate's verdict, and what was cut and why."""
    numbers = {hit.message.number: message_id_text(hit.message.id) for hit in (*result.ranking, *result.selection)}
    record: dict[str, object] = {
        "status": result.status.value,
        "strategy": result.strategy.value,
        "has_vectors": result.has_vectors,
        "took_ms": round(result.took_ms, 2),
        "stage_ms": {name: round(value, 2) for name, value in result.stage_ms.items()},
        "gate": {
            "is_open": result.gate.is_open,
            "reason": result.gate.reason,
            "signals": {name: round(value, 4) for name, value in result.gate.signals.items()},
        },
        "candidates": [hit_record(hit) for hit in result.ranking[:TRACED_HITS]],
        "selected": [hit_record(hit) for hit in result.selection],
        "cut": [{"message_id": numbers.get(number, number), "reason": reason} for number, reason in result.cut],
    }
    if result.browsing is not None:
        record["agentic"] = browsing_record(result.browsing)
    return record


def browsing_record(browsing: Browsing) -> dict[str, object]:
    """How a model browsed: what it asked for, what that took, and why `balanced` answered in its place."""
    return {
        "model": browsing.model or None,
        "steps": browsing.steps,
        "tokens": browsing.tokens,
        "took_ms": round(browsing.took_ms, 2),
        "fell_back": browsing.fell_back or None,
        "calls": [
            {"tool": one.tool, "arguments": one.arguments, "found": one.found, "took_ms": round(one.took_ms, 2)}
            for one in browsing.calls
        ],
    }


def recall_sources(result: RecallResult) -> set[MessageNumber]:
    """The messages that a recall's record tells of: the trace goes with any of them."""
    shown = set(result.browsing.sources) if result.browsing else set()
    return shown | {number for hit in result.ranking[:TRACED_HITS] for number in hit.numbers}


@dataclass(frozen=True, slots=True)
class Rememberer:
    """Ends an exchange."""

    worker: Indexing
    traces: TraceStore
    vaults: VaultStore | None = None
    """Where the vault of a new user is found once it was made, so that erasing it erases the trace; None: nowhere."""
    ledger: LedgerKeeper | None = None
    """Who tells what memory cost or saved; None: nobody."""

    async def run(self, exchange: Exchange) -> None:
        """Notify the worker where something was stored, and keep the trace where memory took part."""
        if exchange.stored is not Stored.NO:
            self.worker.notify()
        if exchange.place is None:
            return
        if self.ledger is not None:
            await self.ledger.keep(exchange)
        try:
            place = await self._settled(exchange.place, exchange.stored)
            await self.traces.put_trace(self.trace_of(exchange, place))
        except StoreUnavailableError:
            return  # a trace is a convenience: its loss is not worth a line in anybody's log

    async def _settled(self, place: Place, stored: Stored) -> Place:
        """The place with its vault, also where this exchange made it."""
        if place.vault is not None or stored is not Stored.YES or self.vaults is None:
            return place
        return replace(place, vault=await self.vaults.open_vault(place.project, place.user, may_create=False))

    def trace_of(self, exchange: Exchange, place: Place) -> Trace:
        """The trace of an exchange; it holds the injected bytes, so erasing a source erases it."""
        injection = exchange.injection or exchange.shadowed
        body = {
            "id": exchange.id,
            "object": "trace",
            "created_at": exchange.started_at.isoformat(),
            "path": exchange.request.path,
            "model": exchange.prompt.model if exchange.prompt else None,
            "provider": exchange.route.provider if exchange.route else None,
            "upstream": [
                {"name": one.name, "outcome": one.outcome, "took_ms": round(one.took_ms, 2)}
                for one in exchange.attempts
            ],
            "user": place.user,
            "session_id": place.session_name,
            "mode": exchange.controls.mode.value,
            "status": exchange.status.value,
            "stored": exchange.stored.value,
            "stage_ms": {name: round(value, 2) for name, value in exchange.stage_ms.items()},
            "recall": recall_record(exchange.recalled) if exchange.recalled else None,
            "injected": injection.block if injection else None,
            "profile": exchange.edit.profile,
            "cost": cost_object(exchange.cost) if exchange.cost else None,
            "ledger": ledger_object(exchange.ledger) if exchange.ledger else None,
            "reinserted": len(exchange.edit.blocks) - (1 if exchange.injection else 0),
        }
        sources = {number for one in exchange.sticky for number in one.sources} if exchange.edit.blocks else set()
        if exchange.profile:
            sources |= set(exchange.profile.sources)
        if injection:
            sources |= set(injection.sources)
        if exchange.recalled:
            sources |= recall_sources(exchange.recalled)
        return Trace(
            id=exchange.id,
            project=place.project,
            vault=place.vault.id if place.vault else None,
            created_at=exchange.started_at,
            body=orjson.dumps(body).decode(),
            sources=tuple(sorted(sources)),
        )
