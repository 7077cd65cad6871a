"""Stage 6: store the new messages and the reply, verbatim and once; spool them where the store is away."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from recollect.domain.capture import Capture
from recollect.domain.controls import StoreScope
from recollect.domain.messages import NewMessage
from recollect.errors import RecollectError, StoreUnavailableError, place_of
from recollect.exchange.awaited import AwaitedReplies
from recollect.exchange.exchange import Stored
from recollect.wire.memory_block import DISCLAIMER

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from recollect.exchange.exchange import Exchange
    from recollect.exchange.ports import Spooler
    from recollect.stores.base import Store
    from recollect.wire.prompt import Reply, Utterance

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capturer:
    """Writes captures. ``now`` gives the time of a reply."""

    store: Store
    spool: Spooler
    now: Callable[[], datetime]
    awaited: AwaitedReplies = field(default_factory=AwaitedReplies)

    async def run(self, exchange: Exchange, reply: Reply) -> None:
        """Capture once per exchange; fills ``stored``. Never raises for a store that fails."""
        if exchange.is_captured or not self.awaited.is_due(exchange, reply):
            return
        exchange.is_captured = True
        self.awaited.note(exchange, reply)
        capture = self._capture_of(exchange, reply)
        if capture is None:
            await self._remember_injection(exchange)
            return
        exchange.stored = await self.write(capture)

    async def write(self, capture: Capture) -> Stored:
        """Store or spool; ``no`` only where neither the database nor the disk takes it.

        What the database refuses is spooled as well: nothing is lost by a defect that somebody will mend.
        """
        try:
            await self.store.messages.capture(capture)
        except StoreUnavailableError as error:
            logger.warning("capture spooled: %s", error)
        except (RecollectError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            logger.error("the store refused a capture, which is spooled: %s", place_of(error))  # noqa: TRY400 - its words may quote
        else:
            return Stored.YES
        try:
            await self.spool.append(capture)
        except (OSError, ValueError, TypeError) as error:
            logger.error("capture lost: the spool does not take it either (%s)", place_of(error))  # noqa: TRY400 - as above
            return Stored.NO
        return Stored.SPOOLED

    async def foresee(self, exchange: Exchange) -> Stored:
        """What a capture would come to now: a stream's head is sent before its capture."""
        if not self._wants_capture(exchange):
            return Stored.NO
        try:
            await self.store.control.check()
        except StoreUnavailableError:
            return Stored.SPOOLED
        return Stored.YES

    async def _remember_injection(self, exchange: Exchange) -> None:
        """Mode ``read`` stores no message, yet its blocks must come back byte for byte."""
        place = exchange.place
        if exchange.injection is None or place is None or place.vault is None:
            return
        try:
            await self.store.injections.put_injection(place.vault.id, exchange.injection)
        except StoreUnavailableError as error:
            logger.warning("injection not remembered: %s", error)

    def _wants_capture(self, exchange: Exchange) -> bool:
        controls = exchange.controls
        return exchange.place is not None and controls.mode.stores and controls.store is not StoreScope.NONE

    def _capture_of(self, exchange: Exchange, reply: Reply) -> Capture | None:
        place, prompt = exchange.place, exchange.prompt
        if place is None or prompt is None or not self._wants_capture(exchange):
            return None
        messages: list[NewMessage] = []
        anchor = place.anchor
        if exchange.controls.store is not StoreScope.RESPONSE:
            messages = [_said(prompt.utterances[index], exchange) for index in place.new]
        if exchange.controls.store is not StoreScope.INPUT and _is_worth_storing(reply):
            messages.append(self._replied(reply, exchange))
        if not messages:
            return None
        return Capture(
            project=place.project,
            user=place.user,
            session=place.session_name,
            anchor=anchor,
            messages=tuple(messages),
            captured_at=exchange.started_at,
            agent_id=exchange.controls.agent_id,
            injection=exchange.injection,
            trace_id=exchange.id,
        )

    def _replied(self, reply: Reply, exchange: Exchange) -> NewMessage:
        said = reply.message
        return NewMessage(
            role="assistant",
            text=said.text if said else "",
            content=said.content if said else None,
            occurred_at=self.now(),
            metadata=_metadata(exchange),
            agent_id=exchange.controls.agent_id,
            is_partial=reply.is_partial,
        )


def _is_worth_storing(reply: Reply) -> bool:
    """Something was said, and it is not memory itself, quoted by the built-in model."""
    return reply.message is not None and DISCLAIMER not in reply.message.text


def _said(utterance: Utterance, exchange: Exchange) -> NewMessage:
    return NewMessage(
        role=utterance.role,
        text=utterance.text,
        content=utterance.content,
        occurred_at=exchange.started_at,
        name=utterance.name,
        metadata=_metadata(exchange),
        agent_id=exchange.controls.agent_id,
    )


def _metadata(exchange: Exchange) -> str | None:
    metadata = exchange.controls.metadata
    return orjson.dumps(metadata).decode() if metadata else None
