"""Content codings of a stream, every piece readable as soon as it is there."""

from __future__ import annotations

import zlib
from typing import Literal

import brotli
import zstandard

Encoding = Literal["", "gzip", "deflate", "br", "zstd"]


class Encoder:
    """One stream's coder; "" passes bytes as they are."""

    def __init__(self, encoding: Encoding) -> None:
        self._zlib = (
            zlib.compressobj(wbits=31 if encoding == "gzip" else 15) if encoding in {"gzip", "deflate"} else None
        )
        self._brotli = brotli.Compressor() if encoding == "br" else None
        self._zstd = zstandard.ZstdCompressor().compressobj() if encoding == "zstd" else None

    def encode(self, data: bytes) -> bytes:
        """The coded bytes, flushed."""
        if self._zlib is not None:
            return self._zlib.compress(data) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if self._brotli is not None:
            return bytes(self._brotli.process(data)) + bytes(self._brotli.flush())
        if self._zstd is not None:
            return self._zstd.compress(data) + self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return data

    def finish(self) -> bytes:
        """What ends the coded stream."""
        if self._zlib is not None:
            return self._zlib.flush()
        if self._brotli is not None:
            return bytes(self._brotli.finish())
        return self._zstd.flush() if self._zstd is not None else b""
