"""Products with bytes are those of real numbers, and the file that computes them is what it says."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from recollect.recall.byte_products import ByteProducts


def built() -> onnx.ModelProto:
    """The graph of ``byte_products.onnx``."""
    nodes = [
        helper.make_node("MatMulInteger", ["rows", "digits"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["real", "worth"], ["products"]),
    ]
    inputs = [
        helper.make_tensor_value_info("rows", TensorProto.UINT8, ["rows", "dimension"]),
        helper.make_tensor_value_info("digits", TensorProto.INT8, ["dimension", "digits"]),
        helper.make_tensor_value_info("worth", TensorProto.FLOAT, ["digits", "vectors"]),
    ]
    output = helper.make_tensor_value_info("products", TensorProto.FLOAT, ["rows", "vectors"])
    graph = helper.make_graph(nodes, "byte_products", inputs, [output])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, producer_name="recollect"
    )


def test_the_file_holds_this_graph():
    kept = files("recollect.recall").joinpath("byte_products.onnx").read_bytes()
    assert onnx.load_from_string(kept) == built()


@pytest.mark.parametrize("count", [1, 17])
def test_the_product_is_that_of_real_numbers(count: int):
    random = np.random.default_rng(3)
    vectors = random.standard_normal((count, 384)).astype(np.float32)
    rows = random.integers(0, 256, (700, 384), dtype=np.uint8)
    exact = rows.astype(np.float64) @ vectors.T.astype(np.float64)
    np.testing.assert_allclose(ByteProducts(vectors).of(rows), exact, atol=255 * 1e-4)


def test_extreme_bytes_do_not_overflow():
    vectors = np.ones((1, 1024), np.float32)
    rows = np.full((2, 1024), 255, np.uint8)
    assert ByteProducts(vectors).of(rows).tolist() == [[255.0 * 1024]] * 2


def test_a_vector_of_zeros_is_nothing_to_anything():
    rows = np.full((3, 8), 200, np.uint8)
    assert not ByteProducts(np.zeros((2, 8), np.float32)).of(rows).any()
