"""Writes the ONNX graph of a BERT encoder around the weights of all-MiniLM-L6-v2, without torch.

Architecture (Devlin et al. 2019, arXiv 1810.04805; Wang et al. 2020, arXiv 2002.10957): token and position
embeddings, then six blocks of 12-head self-attention and a feed-forward layer with GELU, each followed by a
residual addition and layer normalisation. Query, key and value share one matrix product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from recollect.embedders.minilm.graph_names import INPUTS, OUTPUT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LAYERS = 6
HEADS = 12
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12
OPSET = 20
IR_VERSION = 9
MASKED = -1e9
"""Added to the attention scores of padding, so that their softmax is 0."""


class EncoderGraph:
    """Builds the graph node by node; each method returns the name of what it computes."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the tensors under the names of the model's own file."""
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.ModelProto:
        """The model: int64 ids and mask (batch, tokens) in, float32 states (batch, tokens, 384) out."""
        bias = self._attention_bias()
        states = self._embeddings()
        for layer in range(LAYERS):
            states = self._block(states, bias, f"encoder.layer.{layer}.")
        self._nodes.append(helper.make_node("Identity", [states], [OUTPUT]))
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in INPUTS]
        output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", "tokens", WIDTH])
        graph = helper.make_graph(self._nodes, "all-MiniLM-L6-v2", inputs, [output], list(self._constants.values()))
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="recollect"
        )

    def _constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _integers(self, *values: int) -> str:
        return self._constant("i" + "_".join(map(str, values)), np.array(values, np.int64))

    def _node(self, operator: str, *inputs: str, **attributes: float | list[int]) -> str:
        output = f"{operator}_{len(self._nodes)}"
        node = helper.make_node(operator, list(inputs), [output], name=output)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)
        return output

    def _attention_bias(self) -> str:
        """0 for tokens, a large negative number for padding, as (batch, 1, 1, tokens)."""
        mask = self._node("Cast", "attention_mask", to=TensorProto.FLOAT)
        padding = self._node("Sub", self._constant("one", np.float32(1)), mask)
        scaled = self._node("Mul", padding, self._constant("masked", np.float32(MASKED)))
        return self._node("Unsqueeze", scaled, self._integers(1, 2))

    def _embeddings(self) -> str:
        """Word, position and (always the first) segment embeddings, normalised."""
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        table = self._constant("positions", self._weights["embeddings.position_embeddings.weight"] + segment)
        length = self._node("Slice", self._node("Shape", "input_ids"), self._integers(1), self._integers(2))
        positions = self._node("Slice", table, self._integers(0), length, self._integers(0))
        words = self._node("Gather", self._weight("embeddings.word_embeddings.weight"), "input_ids")
        return self._norm(self._node("Add", words, positions), "embeddings.LayerNorm")

    def _norm(self, states: str, name: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._node("LayerNormalization", states, scale, shift, axis=-1, epsilon=EPSILON)

    def _linear(self, states: str, *names: str) -> str:
        """``states @ W.T + b``, the matrices of several layers side by side."""
        matrix = np.concatenate([self._weights[f"{name}.weight"] for name in names]).T
        bias = np.concatenate([self._weights[f"{name}.bias"] for name in names])
        product = self._node("MatMul", states, self._constant(f"{names[0]}.matrix", matrix))
        return self._node("Add", product, self._constant(f"{names[0]}.bias", bias))

    def _block(self, states: str, bias: str, prefix: str) -> str:
        attended = self._linear(self._attention(states, bias, prefix), f"{prefix}attention.output.dense")
        states = self._norm(self._node("Add", states, attended), f"{prefix}attention.output.LayerNorm")
        inner = self._node("Gelu", self._linear(states, f"{prefix}intermediate.dense"))
        fed = self._linear(inner, f"{prefix}output.dense")
        return self._norm(self._node("Add", states, fed), f"{prefix}output.LayerNorm")

    def _attention(self, states: str, bias: str, prefix: str) -> str:
        """Scaled dot-product attention: softmax(Q Kᵀ / √32 + bias) V, heads side by side again at the end."""
        joined = self._linear(states, *(f"{prefix}attention.self.{part}" for part in ("query", "key", "value")))
        parted = self._node("Reshape", joined, self._integers(0, 0, 3 * HEADS, HEAD_WIDTH))
        headed = self._node("Transpose", parted, perm=[0, 2, 1, 3])
        query, key, value = (
            self._node(
                "Slice", headed, self._integers(part * HEADS), self._integers((part + 1) * HEADS), self._integers(1)
            )
            for part in range(3)
        )
        scale = self._constant("scale", np.float32(HEAD_WIDTH**-0.5))
        products = self._node(
            "MatMul", self._node("Mul", query, scale), self._node("Transpose", key, perm=[0, 1, 3, 2])
        )
        shares = self._node("Softmax", self._node("Add", products, bias), axis=-1)
        mixed = self._node("Transpose", self._node("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._node("Reshape", mixed, self._integers(0, 0, WIDTH))
