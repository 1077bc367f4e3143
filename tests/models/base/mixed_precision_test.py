"""Training and drawing in low precision, and what stays float32 in it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests.test_case import random_conditions, random_images

POLICIES = ["mixed_bfloat16", "mixed_float16"]
SHAPE, LEVELS = (4, 4, 3), 4
CONDITIONS = {
    "num_classes": 3,
    "embedding_dim": 2,
    "spatial_shape": (2, 2, 1),
    "condition_dropout": 0.2,
}
COMPUTATIONS = {
    *("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "MatMul"),
    *("Tanh", "Sigmoid", "TanhGrad", "SigmoidGrad"),
}


def new_model(policy=None, **kwargs):
    return kp.GatedPixelCNN(
        SHAPE,
        LEVELS,
        filters=6,
        num_blocks=3,
        first_kernel_size=3,
        dtype=policy,
        **kwargs,
    )


def striped_images(count):
    """Columns that are alike: three quarters of the bits are free."""
    generator = np.random.default_rng(0)
    column = generator.integers(0, LEVELS, (count, 4, 1, 3))
    return np.repeat(column, 4, axis=2)


def low_type(policy):
    return tf.as_dtype(policy.removeprefix("mixed_"))


@pytest.mark.parametrize(
    ("policy", "gradient_checkpointing"), [*zip(POLICIES, (True, False))]
)
def test_all_but_the_last_layer_computes_in_the_low_type(
    policy, gradient_checkpointing
):
    """Forward and backward; an upcast on the way would cost more than it saves."""
    model = new_model(
        policy,
        dropout_rate=0.2,
        gradient_checkpointing=gradient_checkpointing,
        **CONDITIONS,
    )
    features = {"image": random_images(model, 5), **random_conditions(model, 5)}
    variables = [variable.value for variable in model.trainable_variables]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            loss = model.compute_loss(features, y_pred=model(features, training=True))
        return tape.gradient(loss, variables)

    operations = gradients.get_concrete_function().graph.get_operations()
    found = {"parameters": set(), "others": set()}
    for operation in operations:
        if operation.type in COMPUTATIONS:
            where = "parameters" if "parameters" in operation.name else "others"
            found[where].add((operation.type, operation.get_attr("T")))
    assert {dtype for _, dtype in found["parameters"]} == {tf.float32}
    assert found["others"] == {(name, low_type(policy)) for name in COMPUTATIONS}
    upcast = [
        operation.name
        for operation in operations
        if operation.type == "Cast"
        and operation.inputs[0].dtype == low_type(policy)
        and operation.outputs[0].dtype == tf.float32
        and operation.outputs[0].shape == (5, 4, 4, 6)  # features of the images
    ]
    assert len(upcast) == 1  # what the last layer takes


@pytest.mark.op_by_op
def test_the_policy_of_all_is_the_models():
    """With Keras's loss scaling for float16, which our compile must not lose."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = new_model()
        model.compile("adam")
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert model.dtype_policy.name == "mixed_float16"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert model.log_prob(striped_images(2)).dtype == tf.float32


def test_gradients_that_overflow_skip_the_step():
    model = new_model("mixed_float16")
    before = [weight.numpy() for weight in model.trainable_weights]
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.01), initial_scale=2.0**30
    )
    model.compile(optimizer)
    images = striped_images(8)
    model.fit(images, batch_size=8, verbose=0)
    for ours, weight in zip(before, model.trainable_weights):
        np.testing.assert_array_equal(weight, ours)
    assert optimizer.dynamic_scale == 2.0**29
    model.fit(np.tile(images, (40, 1, 1, 1)), batch_size=8, verbose=0)
    assert 1 < optimizer.dynamic_scale < 2.0**29
    for weight in model.trainable_weights:
        assert np.isfinite(weight.numpy()).all()
    assert any(np.any(a != b) for a, b in zip(before, model.trainable_weights))
