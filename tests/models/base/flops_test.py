import math
import re

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.base.scoring_model import ScoringModel
from tests.test_case import random_conditions, random_images, randomize


def flops_of_graph(model):
    """Twice the nonzero weights of every product in the graph, times its positions."""
    features = {"image": random_images(model, 1), **random_conditions(model, 1)}
    wrapped = tf.compat.v1.wrap_function(lambda: model(features, training=False), [])
    operations = wrapped.graph.get_operations()
    # Where each kind has its positions: the outputs, or the inputs that are spread.
    positions = {
        "Conv2D": lambda op: op.outputs[0].shape[:-1],
        "MatMul": lambda op: op.outputs[0].shape[:-1],
        "Conv2DBackpropInput": lambda op: op.inputs[2].shape[:-1],
    }
    kinds = {op.type for op in operations}
    products = {kind for kind in kinds if re.search("Conv|MatMul|Einsum|Call", kind)}
    assert products <= set(positions)  # else something is not counted here
    products = [op for op in operations if op.type in positions]
    weights = wrapped.prune([], [op.inputs[1] for op in products])()
    return 2 * sum(
        np.count_nonzero(kernel) * math.prod(positions[op.type](op))
        for op, kernel in zip(products, weights)
    )


CONDITIONS = {"num_classes": 4, "embedding_dim": 3, "spatial_shape": (3, 2, 2)}


@pytest.mark.parametrize(
    "conditions",
    [{}, {"num_classes": 4}, {**CONDITIONS, "condition_dropout": 0.1}],
    ids=["none", "label", "all"],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_counts_the_open_products_of_the_graph(channels, conditions):
    model = kp.GatedPixelCNN(
        (5, 4, channels),
        num_levels=7,
        filters=6,
        num_blocks=3,
        kernel_size=5,
        first_kernel_size=3,
        head_filters=9,
        **conditions,
    )
    assert model.flops() == flops_of_graph(randomize(model))


def test_by_hand():
    """One block of type A: 1 row of 3 taps above, 1 tap to the left."""
    model = kp.GatedPixelCNN(
        (2, 3, 1), num_levels=4, filters=2, num_blocks=1, first_kernel_size=3
    )
    vertical, link, horizontal, skip, head, parameters = 3 * 4, 4 * 4, 4, 4, 4, 2 * 4
    adds = vertical + link + horizontal + skip + head + parameters
    assert model.flops() == 2 * 6 * adds


def test_a_model_that_does_not_count_says_so(model):
    with pytest.raises(NotImplementedError, match="Override multiply_adds"):
        ScoringModel.multiply_adds(model)
