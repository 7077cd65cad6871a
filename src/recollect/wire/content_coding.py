"""Content codings (gzip, deflate, br, zstd), decoded from a copy, in bounds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

import brotli
import zstandard

from recollect.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_COPY_BYTES = 32 * 1024 * 1024
_ZSTD_SLICE_BYTES = 1024
"""A zstd block of four bytes may hold 128 KiB: so much input at most gives 32 MiB before the limit is looked at."""
_ZSTD_MAX_WINDOW_BYTES = 128 * 1024 * 1024
_IDENTITY = frozenset({"", "identity"})
_DEFLATE_METHOD = 8
_ZLIB_HEADER_BYTES = 2
_MAX_MEMBERS = 100
"""Members of a gzip body, frames of a zstd body: more than a few are there to cost time."""
_DECODING_ERRORS = (zlib.error, brotli.error, zstandard.ZstdError)


class _TooLongError(Exception):
    """The decoded bytes exceed the limit."""


def _counted(members: int) -> int:
    if members >= _MAX_MEMBERS:
        raise _TooLongError
    return members + 1


class _Coding(Protocol):
    def decode(self, chunk: bytes, limit: int) -> bytes: ...

    @property
    def is_finished(self) -> bool: ...


class _Zlib:
    """gzip (several members too), or deflate with and without its zlib header."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._decoder = None if window_bits < 0 else zlib.decompressobj(window_bits)
        self._head = b""
        self._members = 1

    def decode(self, chunk: bytes, limit: int) -> bytes:
        if self._decoder is None:
            self._head += chunk
            if len(self._head) < _ZLIB_HEADER_BYTES:
                return b""
            chunk = self._head
            has_header = chunk[0] & 15 == _DEFLATE_METHOD and int.from_bytes(chunk[:2], "big") % 31 == 0
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        decoded = self._decoder.decompress(chunk, limit + 1)
        while self._decoder.eof and self._decoder.unused_data and self._window_bits > zlib.MAX_WBITS:
            rest = self._decoder.unused_data
            self._members = _counted(self._members)
            self._decoder = zlib.decompressobj(self._window_bits)
            decoded += self._decoder.decompress(rest, limit + 1)
            if len(decoded) > limit:
                raise _TooLongError
        if self._decoder.unconsumed_tail or len(decoded) > limit:
            raise _TooLongError
        return decoded

    @property
    def is_finished(self) -> bool:
        return self._decoder is not None and self._decoder.eof


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    def decode(self, chunk: bytes, limit: int) -> bytes:
        decoded: bytes = self._decoder.process(chunk, output_buffer_limit=limit + 1)
        if len(decoded) > limit or not self._decoder.can_accept_more_data():
            raise _TooLongError
        return decoded

    @property
    def is_finished(self) -> bool:
        return bool(self._decoder.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._decoder = self._new()
        self._frames = 1

    @staticmethod
    def _new() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES).decompressobj()

    def decode(self, chunk: bytes, limit: int) -> bytes:
        decoded: list[bytes] = []
        size = 0
        for start in range(0, len(chunk), _ZSTD_SLICE_BYTES):
            rest = chunk[start : start + _ZSTD_SLICE_BYTES]
            while rest:
                if self._decoder.eof:
                    self._frames = _counted(self._frames)
                    self._decoder = self._new()
                decoded.append(self._decoder.decompress(rest))
                rest = self._decoder.unused_data if self._decoder.eof else b""
                size += len(decoded[-1])
                if size > limit:
                    raise _TooLongError
        return b"".join(decoded)

    @property
    def is_finished(self) -> bool:
        return self._decoder.eof


class CopyDecoder:
    """Decodes a copy of a body while it passes by. Never raises: what cannot be decoded ends the copy."""

    def __init__(self, encoding: str, *, limit: int = MAX_COPY_BYTES) -> None:
        """``encoding`` is the ``content-encoding`` header ("" for none); ``limit`` bounds the decoded bytes."""
        codings = _codings(encoding)
        self._codings = codings or []
        self._left = limit
        self.is_broken = codings is None
        """The copy ends here: an unknown coding, corrupt data, or too much of it."""

    def feed(self, chunk: bytes) -> bytes:
        """The decoded bytes that this chunk yields."""
        if self.is_broken:
            return b""
        try:
            for coding in self._codings:
                chunk = coding.decode(chunk, self._left)
        except (_TooLongError, *_DECODING_ERRORS):
            self.is_broken = True
            return b""
        if len(chunk) > self._left:
            self.is_broken = True
            return b""
        self._left -= len(chunk)
        return chunk


def decode_copy(chunks: Iterable[bytes], encoding: str, *, limit: int = MAX_COPY_BYTES) -> bytes:
    """What can be decoded of the chunks, up to ``limit`` bytes. Never raises."""
    decoder = CopyDecoder(encoding, limit=limit)
    return b"".join(decoder.feed(chunk) for chunk in chunks)


def decode_request_body(body: bytes, encoding: str, limit: int) -> bytes:
    """A request's body without its codings, at most ``limit`` bytes.

    UnsupportedMediaTypeError for an unknown coding, PayloadTooLargeError over the limit, InvalidRequestError
    where the data is corrupt or ends early.
    """
    codings = _codings(encoding)
    if codings is None:
        message = f"The content-encoding {encoding!r} is not understood; use gzip, deflate, br, zstd or none."
        raise UnsupportedMediaTypeError(message, code="unsupported_content_encoding", param="content-encoding")
    too_large = PayloadTooLargeError(f"The body exceeds the limit of {limit} bytes.")
    try:
        for coding in codings:
            body = coding.decode(body, limit)
            if not coding.is_finished:
                message = f"The body ends before its {encoding} data does."
                raise InvalidRequestError(message, code="invalid_content_encoding", param="content-encoding")
    except _TooLongError:
        raise too_large from None
    except _DECODING_ERRORS:
        message = f"The body is not valid {encoding} data."
        raise InvalidRequestError(message, code="invalid_content_encoding", param="content-encoding") from None
    if len(body) > limit:
        raise too_large
    return body


def _codings(encoding: str) -> list[_Coding] | None:
    """The decoders for a header, in the order in which they must run; None where one is unknown."""
    decoders: list[_Coding] = []
    for name in reversed([name.strip().lower() for name in encoding.split(",")]):
        if name in _IDENTITY:
            continue
        if name in {"gzip", "x-gzip"}:
            decoders.append(_Zlib(zlib.MAX_WBITS + 16))
        elif name == "deflate":
            decoders.append(_Zlib(-zlib.MAX_WBITS))
        elif name == "br":
            decoders.append(_Brotli())
        elif name == "zstd":
            decoders.append(_Zstd())
        else:
            return None
    return decoders
