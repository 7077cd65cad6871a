"""Replies that a provider makes in the background: one request asks for them, another one fetches them."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recollect.domain.capture import AtHead
from recollect.exchange.resolve import project_of
from recollect.wire.prompt import Prompt
from recollect.wire.responses import RESPONSES

if TYPE_CHECKING:
    from recollect.domain.controls import Controls
    from recollect.domain.ids import ProjectId
    from recollect.exchange.exchange import Exchange, Place
    from recollect.wire.prompt import Reply

RUNNING = frozenset({"queued", "in_progress"})
MOST_AWAITED = 10_000
_response = re.compile(r"(?:.*/)?responses/([^/?]+)/?(?:\?.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Where a reply belongs, and what the request that asked for it said about storing it."""

    place: Place
    controls: Controls


class AwaitedReplies:
    """What has been asked for and not been seen yet, by project and response. Held in memory: what is forgotten by
    a restart is stored once the client sends it back with its history."""

    def __init__(self) -> None:
        """Nothing is awaited yet."""
        self._asked: OrderedDict[tuple[ProjectId, str], _Asked] = OrderedDict()

    def note(self, exchange: Exchange, reply: Reply) -> None:
        """Await the reply of a request that the provider has only queued."""
        if (
            reply.message is None
            and reply.finish_reason in RUNNING
            and reply.response_id
            and exchange.place is not None
        ):
            self._asked[exchange.place.project, reply.response_id] = _Asked(exchange.place, exchange.controls)
            while len(self._asked) > MOST_AWAITED:
                self._asked.popitem(last=False)

    def find(self, exchange: Exchange) -> bool:
        """Whether a request fetches an awaited reply; it is then given that reply's place."""
        request = exchange.request
        if request.method != "GET" or exchange.principal is None or not exchange.controls.mode.stores:
            return False
        found = _response.fullmatch(request.path if request.forward_target is None else request.forward_target)
        key = (project_of(exchange.principal, exchange.controls), found[1]) if found else None
        asked = self._asked.get(key) if key else None
        if asked is None:
            return False
        exchange.fetches = key
        exchange.dialect = RESPONSES
        exchange.prompt = Prompt(dialect=RESPONSES.name, model=None, is_streamed=False)
        exchange.place = replace(asked.place, anchor=AtHead(), new=())
        exchange.controls = asked.controls
        return True

    def is_due(self, exchange: Exchange, reply: Reply) -> bool:
        """Whether a reply is to be captured now: one that was fetched only once it is whole, and only once."""
        if exchange.fetches is None:
            return True
        return not reply.is_partial and self._asked.pop(exchange.fetches, None) is not None
