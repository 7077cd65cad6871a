"""Reads a safetensors file: a JSON header that says where in the file each tensor's numbers stand.

Format: 8 bytes little-endian header length, the header, then the numbers, row-major.
(https://huggingface.co/docs/safetensors)
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np
import orjson

from recollect.errors import EmbedderUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LENGTH_BYTES = 8
_TYPES: dict[str, str] = {"F32": "<f4", "F16": "<f2"}


def read_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The floating-point tensors of a file by name, as float32 copies.

    Raises EmbedderUnavailableError where the file is not whole or not of this format.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _parse(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} is not a complete safetensors file ({error}). Remove it, and it is fetched anew."
        raise EmbedderUnavailableError(message) from error


def _parse(data: mmap.mmap) -> dict[str, NDArray[np.float32]]:
    header_end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    header = orjson.loads(data[_LENGTH_BYTES:header_end])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or not entry["dtype"].startswith("F"):
            continue
        start, end = entry["data_offsets"]
        numbers = np.frombuffer(data[header_end + start : header_end + end], dtype=_TYPES[entry["dtype"]])
        tensors[name] = numbers.reshape(entry["shape"]).astype(np.float32)
    return tensors
