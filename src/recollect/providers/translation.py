"""Saying a body in another dialect: whoever wrote it wrongly is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from recollect.errors import InvalidRequestError, UpstreamBrokenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from recollect.providers.bridged_stream import Translator

MALFORMED = (AttributeError, KeyError, IndexError, TypeError, ValueError)
"""What the translations run into where a field is of another type than the API's: they read it as documented."""


def translate_request(translate: Callable[[dict[str, Any]], dict[str, Any]], body: dict[str, Any]) -> bytes:
    """The client's request in the provider's dialect. InvalidRequestError where it cannot be said there."""
    try:
        return orjson.dumps(translate(body))
    except MALFORMED:
        message = "The body has a field of another type than the API's reference gives, so it cannot be translated."
        raise InvalidRequestError(message, code="invalid_type") from None


def translate_reply(translate: Callable[[Any], dict[str, Any]], document: object) -> bytes:
    """The provider's reply in the client's dialect. UpstreamBrokenError where it is not what its API gives."""
    try:
        return orjson.dumps(translate(document))
    except MALFORMED:
        raise _malformed() from None


def translate_chunk(translator: Translator, chunk: bytes) -> bytes:
    """The same for some bytes of a stream."""
    try:
        return translator.feed(chunk)
    except MALFORMED:
        raise _malformed() from None


def _malformed() -> UpstreamBrokenError:
    message = "The provider's reply is not shaped as its API says, so it cannot be translated."
    return UpstreamBrokenError(message)
