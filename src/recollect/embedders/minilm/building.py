"""Makes the runnable model out of the weights, once, in the cache.

Imported only where there is something to build: onnx and the quantiser take half a second to load.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from recollect.embedders.minilm.graph import EncoderGraph
from recollect.embedders.minilm.safetensors import read_tensors

logger = logging.getLogger(__name__)


def build_model(weights: Path, target: Path, *, is_quantised: bool) -> None:
    """Write the ONNX model to ``target``, which appears only when it is complete.

    ``is_quantised``: the matrices of the linear layers as int8, each output channel with its own scale, 7 bits
    of it used, since 8 can saturate on processors without VNNI instructions; activations are scaled per run.
    """
    graph = EncoderGraph(read_tensors(weights)).build()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
        plain = Path(folder) / "plain.onnx"
        onnx.save(graph, str(plain))
        if is_quantised:
            plain = _quantised(plain)
        plain.replace(target)


def _quantised(plain: Path) -> Path:
    root = logging.getLogger()
    advice = root.manager.disable
    logging.disable(logging.WARNING)  # it advises a preprocessing step that this graph does not need
    try:
        quantised = plain.with_name("int8.onnx")
        quantize_dynamic(
            plain,
            quantised,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(advice)
    return quantised
