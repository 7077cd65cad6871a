"""Products of many rows of bytes with a few vectors, by the integer kernels of onnxruntime.

NumPy has to turn bytes into float32 first, which takes longer than the product. The vectors become whole numbers of
three digits to the base of 128, so that the product is as exact as one of float32.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 3
_BASE = 128
_LARGEST_DIGIT = 64
"""255 · 64 · 2 fits into the 16 bits in which processors without VNNI add up pairs."""


class ByteProducts:
    """The product with the same few vectors (n, dimension), block after block."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """Take the vectors apart into digits."""
        unit = (float(np.abs(vectors).max(initial=0.0)) or 1.0) / _LARGEST_DIGIT
        rest = vectors.astype(np.float64) / unit
        digits = []
        for _ in range(DIGITS):
            digits.append(np.rint(rest))
            rest = (rest - digits[-1]) * _BASE
        one = np.eye(len(vectors), dtype=np.float32)
        self._digits = np.ascontiguousarray(np.concatenate(digits).T.astype(np.int8))
        self._worth = np.concatenate([one * np.float32(unit / _BASE**place) for place in range(DIGITS)])

    def of(self, rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        """``rows @ vectors.T``: float32 (rows, n)."""
        found: NDArray[np.float32] = _session().run(None, {"rows": rows, "digits": self._digits, "worth": self._worth})[
            0
        ]
        return found


@cache
def _session() -> onnxruntime.InferenceSession:
    """Runs ``MatMul(float(MatMulInteger(rows, digits)), worth)``: a test builds the file anew."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model = files(__package__).joinpath("byte_products.onnx").read_bytes()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
