"""The head of a request, and what was read of it: clients send the same headers each time, but for the length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recollect.wire.memory_key import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.controls import Controls
    from recollect.exchange.authenticate import Authentication
    from recollect.providers.base import Headers, Route

CREDENTIAL_HEADERS = (b"authorization", b"api-key", b"x-api-key")
PROVIDER_KEY_HEADER = b"x-provider-key"
_KEY_HEADERS = frozenset({*CREDENTIAL_HEADERS, PROVIDER_KEY_HEADER})


class RequestHead:
    """Headers, and what follows from them alone.

    A connection keeps the head of its last request for the next one, which mostly says the same. What a stage notes
    here it finds again then; it notes beside it what else its answer depends on. The secrets in a head live as long as
    the connection that brought them.
    """

    __slots__ = ("caller", "controls", "fields", "headers", "is_local", "provider_key", "sent")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the headers, names in lower case."""
        self.headers = headers
        self.fields = dict(headers)
        self.provider_key = provider_key_of(headers)
        """The provider's key as the client sent it."""
        self.is_local: bool | None = None
        """Whether its caller is on this machine, once that was asked."""
        self.caller: tuple[float, Authentication] | None = None
        """Who calls, and until when (monotonic seconds) that is so."""
        self.controls: tuple[Authentication, Controls] | None = None
        """What the headers ask of memory, for that caller."""
        self.sent: tuple[Route, Headers] | None = None
        """The headers as they go to the provider, by that route."""


def provider_key_of(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """``X-Provider-Key``, or a credential that is no memory key. Of repeated fields the first counts."""
    sent = {name: value for name, value in reversed(headers) if name in _KEY_HEADERS}
    explicit = sent.get(PROVIDER_KEY_HEADER)
    if explicit:
        return explicit.decode("latin-1")
    for name in CREDENTIAL_HEADERS:
        scheme, space, credential = sent.get(name, b"").decode("latin-1").strip().partition(" ")
        token = credential.strip() if space and scheme.lower() == "bearer" else scheme
        if token and not token.startswith(PREFIX):
            return token
    return None
