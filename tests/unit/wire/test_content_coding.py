"""Content codings: right, wrong, and hostile."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard

from recollect.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from recollect.wire.content_coding import CopyDecoder, decode_copy, decode_request_body

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = ("data: héllo ✓ " * 400).encode()


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:100]) + gzip.compress(data[100:])


def two_frames(data: bytes) -> bytes:
    return zstandard.compress(data[:100]) + zstandard.compress(data[100:])


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("gzip", two_members),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
    ("zstd", two_frames),
    ("GZIP , br", lambda data: brotli.compress(gzip.compress(data))),
    ("identity", bytes),
    ("", bytes),
]
IDS = [f"{name or 'none'}-{encode.__name__}" for name, encode in CODINGS]


@pytest.mark.parametrize(("encoding", "encode"), CODINGS, ids=IDS)
def test_a_copy_decodes_cut_anywhere(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    data = encode(TEXT)
    assert decode_copy([data], encoding) == TEXT
    assert decode_copy([data[i : i + 1] for i in range(len(data))], encoding) == TEXT


@pytest.mark.parametrize(("encoding", "encode"), CODINGS, ids=IDS)
def test_a_request_body_decodes(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    assert decode_request_body(encode(TEXT), encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize(("encoding", "encode"), CODINGS, ids=IDS)
def test_a_body_over_the_limit_is_refused(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(PayloadTooLargeError):
        decode_request_body(encode(TEXT), encoding, len(TEXT) - 1)
    decoder = CopyDecoder(encoding, limit=len(TEXT) - 1)
    assert len(decoder.feed(encode(TEXT))) < len(TEXT)
    assert decoder.is_broken
    assert decoder.feed(b"more") == b""


@pytest.mark.parametrize(("encoding", "encode"), CODINGS[:8], ids=IDS[:8])
def test_a_bomb_does_not_unfold(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(16 * 1024 * 1024))
    with pytest.raises(PayloadTooLargeError):
        decode_request_body(bomb, encoding, 1_000_000)


@pytest.mark.parametrize(("encoding", "encode"), CODINGS[:9], ids=IDS[:9])
def test_a_body_that_ends_early_is_refused(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode_request_body(encode(TEXT)[:-12], encoding, 1_000_000)
    assert caught.value.code == "invalid_content_encoding"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_corrupt_data(encoding: str) -> None:
    with pytest.raises(InvalidRequestError):
        decode_request_body(b"\xff" * 32, encoding, 1_000_000)
    decoder = CopyDecoder(encoding)
    assert decoder.feed(b"\xff" * 32) == b""
    assert decoder.is_broken


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_thousands_of_members_are_refused(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(PayloadTooLargeError):
        decode_request_body(encode(b"") * 100_000, encoding, 1_000_000)


def test_members_are_bounded_together() -> None:
    bomb = gzip.compress(bytes(900_000)) * 50
    with pytest.raises(PayloadTooLargeError):
        decode_request_body(bomb, "gzip", 1_000_000)


def test_an_empty_compressed_body_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        decode_request_body(b"", "gzip", 1000)


def test_an_unknown_coding() -> None:
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        decode_request_body(b"x", "gzip, snappy", 1000)
    assert caught.value.code == "unsupported_content_encoding"
    assert decode_copy([b"x"], "snappy") == b""


def test_what_was_decoded_before_a_cut_is_kept() -> None:
    compressor = zlib.compressobj(wbits=31)
    data = compressor.compress(b"data: a\n\n") + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert decode_copy([data], "gzip") == b"data: a\n\n"
