"""Before the stages that remember: what a request asks of memory, and as much of its prompt as that needs."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from recollect.domain.keys import MemoryMode
from recollect.wire.controls import read_controls, speaks_of_memory
from recollect.wire.messages import MESSAGES, with_metadata
from recollect.wire.prompt import Prompt

if TYPE_CHECKING:
    from recollect.domain.controls import Controls
    from recollect.exchange.authenticate import Authentication
    from recollect.exchange.ports import IncomingRequest
    from recollect.wire.json_document import JsonDocument
    from recollect.wire.prompt import Dialect


class ControlsReader:
    """Reads the controls of requests, over the defaults of one gateway."""

    def __init__(self, defaults: Controls) -> None:
        """Take what holds where a request says nothing."""
        self._defaults = {mode: replace(defaults, mode=mode) for mode in MemoryMode}

    def read(
        self, request: IncomingRequest, authentication: Authentication, document: JsonDocument | None = None
    ) -> Controls:
        """By headers, query and body; InvalidRequestError names what cannot be understood."""
        return read_controls(
            request.headers,
            dict(parse_qsl(request.query)) if request.query else {},
            document,
            suffix_mode=authentication.suffix_mode,
            key_mode=authentication.principal.mode,
            defaults=self._defaults[authentication.suffix_mode or authentication.principal.mode],
        )

    def of_conversation(
        self, request: IncomingRequest, authentication: Authentication, dialect: Dialect, document: JsonDocument
    ) -> Controls:
        """As :meth:`read`, for a user's own key of that user. Where headers alone speak of memory, what they say is
        noted in the head, and found there when they say it again."""
        head = request.head
        is_heads = not request.query and not speaks_of_memory(document)
        if is_heads and head.controls is not None and head.controls[0] is authentication:
            controls = head.controls[1]
        else:
            controls = self.read(request, authentication, document)
            if controls.user is None and authentication.principal.user is not None:
                controls = replace(controls, user=authentication.principal.user)
            if is_heads:
                head.controls = (authentication, controls)
        return with_metadata(controls, document) if dialect is MESSAGES else controls


def read_prompt(controls: Controls, dialect: Dialect, document: JsonDocument) -> Prompt:
    """The prompt; with memory off only what routing needs, so that nothing is refused that the provider may take."""
    mode = controls.mode
    if mode.recalls or mode.stores:
        return dialect.read(document)
    model = document.get("model")
    return _routing_prompt(
        dialect.name, model if isinstance(model, str) else None, is_streamed=document.get("stream") is True
    )


@lru_cache(maxsize=512)
def _routing_prompt(dialect: str, model: str | None, *, is_streamed: bool) -> Prompt:
    return Prompt(dialect=dialect, model=model, is_streamed=is_streamed)
