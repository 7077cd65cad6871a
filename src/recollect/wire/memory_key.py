"""Memory keys: ``mk_`` and 43 URL-safe base64 characters (256 random bits), with an optional mode suffix."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from recollect.errors import AuthenticationError, InvalidRequestError
from recollect.wire.controls import parse_mode
from recollect.wire.headers import decode_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recollect.domain.keys import MemoryMode
    from recollect.wire.headers import Headers

PREFIX = "mk_"
CACHED_KEYS = 1024
"""Clients send the same key with every request: its reading and its digest are kept for so many."""
_secret = re.compile(r"mk_[A-Za-z0-9_-]{43}")
_OWN_HEADERS = (b"x-memory-key", b"x-recallr-api-key")
_SHARED_HEADERS = (b"authorization", b"x-api-key", b"api-key")
"""These carry a provider's key as well: only what begins like a memory key is one."""
_KEY_HEADERS = frozenset({*_OWN_HEADERS, *_SHARED_HEADERS})
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key as a client sent it. ``header`` is where it was found (lower case, "" where it was given as text): in
    ``x-memory-key`` and ``x-recallr-api-key``, ``authorization`` may still hold the provider's key."""

    secret: str
    mode: MemoryMode | None = None
    header: str = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"ParsedKey(mode={self.mode!r}, header={self.header!r})"


def new_secret() -> str:
    """A new key."""
    return PREFIX + secrets.token_urlsafe(32)


@lru_cache(maxsize=CACHED_KEYS)
def digest(secret: str) -> bytes:
    """The SHA-256 of a key without its suffix: what is stored and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def parse_memory_key(text: str, *, header: str = "") -> ParsedKey | None:
    """The key in ``text``, None where it does not begin with ``mk_``. AuthenticationError where it is malformed."""
    if not text.startswith(PREFIX):
        return None
    secret, colon, suffix = text.partition(":")
    if _secret.fullmatch(secret) is None:
        message = "The memory key is malformed: it must be mk_ followed by 43 characters."
        raise AuthenticationError(message)
    if not colon:
        return ParsedKey(secret, None, header)
    try:
        return ParsedKey(secret, parse_mode(suffix, "key suffix"), header)
    except InvalidRequestError:
        message = "The memory key's suffix must be one of :full, :read, :write, :off, :shadow, :on."
        raise AuthenticationError(message, code="invalid_key_suffix") from None


def find_memory_key(headers: Sequence[tuple[bytes, bytes]]) -> ParsedKey | None:
    """The memory key of a request, None where it has none. AuthenticationError where one of our own headers holds
    something else."""
    sent = tuple([field for field in headers if field[0] in _KEY_HEADERS or field[0].lower() in _KEY_HEADERS])
    return _find_among(sent) if sent else None


@lru_cache(maxsize=CACHED_KEYS)
def _find_among(sent: Headers) -> ParsedKey | None:
    found = {name.lower(): _without_bearer(decode_header(value)) for name, value in reversed(sent)}
    for name in _OWN_HEADERS:
        text = found.get(name)
        if text:
            key = parse_memory_key(text, header=name.decode())
            if key is None:
                message = f"{name.decode()} must hold a memory key of this gateway, which begins with {PREFIX}."
                raise AuthenticationError(message, param=name.decode())
            return key
    for name in _SHARED_HEADERS:
        key = parse_memory_key(found.get(name, ""), header=name.decode())
        if key is not None:
            return key
    return None


def _without_bearer(text: str) -> str:
    return text[len(_BEARER) :].strip() if text[: len(_BEARER)].lower() == _BEARER else text
