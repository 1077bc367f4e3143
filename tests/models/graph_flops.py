"""The products of a model's graph, counted from what TensorFlow runs."""

import math
import re

import numpy as np
import tensorflow as tf

from tests.test_case import random_conditions, random_images


def flops_of_graph(model):
    """Twice the nonzero weights of every product in the graph, times its positions."""
    features = {"image": random_images(model, 1), **random_conditions(model, 1)}
    wrapped = tf.compat.v1.wrap_function(lambda: model(features, training=False), [])
    operations = wrapped.graph.get_operations()
    # Where each kind has its positions: the outputs, or the inputs that are spread.
    positions = {
        "Conv2D": lambda op: op.outputs[0].shape[:-1],
        "MatMul": lambda op: op.outputs[0].shape[:-1],
        "BatchMatMulV2": lambda op: op.outputs[0].shape[:-1],  # Keras 3.14's
        "Conv2DBackpropInput": lambda op: op.inputs[2].shape[:-1],
    }
    kinds = {op.type for op in operations}
    products = {kind for kind in kinds if re.search("Conv|MatMul|Einsum|Call", kind)}
    assert products <= {*positions, *_ATTENTION}  # else something is not counted here
    of_tensors = [op for op in operations if _is_of_tensors(op)]
    attention = sum(_ATTENTION[op.type](op) for op in of_tensors)
    products = [
        op for op in operations if op.type in positions and op not in of_tensors
    ]
    weights = wrapped.prune([], [op.inputs[1] for op in products])()
    return 2 * attention + 2 * sum(
        np.count_nonzero(kernel) * math.prod(positions[op.type](op))
        for op, kernel in zip(products, weights)
    )


def _is_of_tensors(op):
    """Tells whether both of its factors depend on the inputs."""
    is_by_weight = op.type == "BatchMatMulV2" and op.inputs[1].shape.rank == 2
    return op.type in _ATTENTION and not is_by_weight


def _products_of(einsum):
    """The size of the space that all letters of an equation span."""
    letters = einsum.get_attr("equation").decode().split("->")[0].split(",")
    sizes = {}
    for own, tensor in zip(letters, einsum.inputs, strict=True):
        sizes |= dict(zip(own, tensor.shape, strict=True))
    return math.prod(sizes.values())


def _products_of_batches(matmul):
    inner = matmul.inputs[0].shape[-2 if matmul.get_attr("adj_x") else -1]
    return math.prod(matmul.outputs[0].shape) * inner


_ATTENTION = {"Einsum": _products_of, "BatchMatMulV2": _products_of_batches}
"""Products of two tensors that both depend on the inputs."""
