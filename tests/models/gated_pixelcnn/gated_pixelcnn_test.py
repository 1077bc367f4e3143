"""What every model owes, and its exact network, for GatedPixelCNN."""

import inspect
import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests import test_case
from tests.test_case import random_images, randomize

SIZES = [(1, 1), (1, 9), (5, 3), (8, 8)]
CHANNELS = [1, 2, 3]
# Each of 12 shapes with levels and kernels in turn, so that every pair comes up.
CASES = [
    ((*size, channels), (2, 5, 256)[(i + j) % 3], (3, 5, 7)[(i + 2 * j) % 3])
    for (i, size), (j, channels) in itertools.product(
        enumerate(SIZES), enumerate(CHANNELS)
    )
]


def small_model(image_shape, num_levels=5, kernel_size=3, num_blocks=2, **kwargs):
    arguments = {
        "filters": 4 * image_shape[-1],
        "head_filters": 8 * image_shape[-1],
        "first_kernel_size": kernel_size,
        **kwargs,
    }
    return kp.GatedPixelCNN(
        image_shape,
        num_levels=num_levels,
        num_blocks=num_blocks,
        kernel_size=kernel_size,
        **arguments,
    )


def reach(model):
    later = (model.num_blocks - 1) * (model.kernel_size // 2)
    return model.first_kernel_size // 2 + later


def fit_one_step(model, _):
    model.compile("adam")
    model.fit(random_images(model, 4), batch_size=4, verbose=0)
    return model


def plain_gradient_step(model, _):
    optimizer = keras.optimizers.SGD(0.1)
    images = random_images(model, 4)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.log_prob(images))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return model


def save_and_load(model, folder):
    return test_case.check_saved(model, folder, random_images(model, 2))


STATES = {
    "before training": lambda model, _: model,
    "random weights": lambda model, _: randomize(model),
    "after fit": fit_one_step,
    "after a plain gradient step": plain_gradient_step,
    "after loading": save_and_load,
}


@pytest.mark.parametrize(
    ("state", "shape", "levels", "kernel"),
    [
        (state, *case)
        for i, state in enumerate(STATES)
        for j, case in enumerate(CASES)
        # Every shape far from its first weights; every state at every size, in turn of
        # one, two or three channels.
        if state == "random weights" or (i + j // 3 + j) % 3 == 0
    ],
)
def test_is_causal_and_steps_equal_whole(shape, levels, kernel, state, tmp_path):
    """No leak, no blind spot, G sees its own R; both ways of running agree."""
    model = STATES[state](small_model(shape, levels, kernel), tmp_path)
    expected = test_case.expected_dependencies(shape, reach(model))
    np.testing.assert_array_equal(test_case.dependencies(model), expected)
    test_case.check_steps_equal_whole(model, least=0)


@pytest.mark.parametrize(
    ("case", "state"), list(zip(CASES[1::2], itertools.cycle(STATES))), ids=str
)
def test_seeds_units_and_export(case, state, tmp_path):
    """Every other shape in one of the states, so that all of these come up.

    What else is exported: tests/savedmodels/conformance_test.py.
    """
    model = STATES[state](small_model(*case, dropout_rate=0.5), tmp_path)
    test_case.check_seeds_and_units(model)
    names = ["sample", "log_prob"]
    test_case.check_exported(model, tmp_path / "export", signatures=names)


@pytest.mark.parametrize(("shape", "levels", "kernel"), CASES)
def test_depends_on_what_comes_before_with_dropout_on(shape, levels, kernel):
    model = randomize(small_model(shape, levels, kernel, dropout_rate=0.3))
    expected = test_case.expected_dependencies(shape, reach(model))
    found = test_case.dependencies(model, training=True, tries=8)
    assert not found[~expected].any()
    assert found.sum() >= 0.99 * expected.sum()


@pytest.mark.parametrize(
    ("kernel", "first", "blocks"), [(3, 7, 1), (5, 3, 3), (1, 3, 3)]
)
def test_kernels_are_free(kernel, first, blocks):
    model = randomize(
        small_model((8, 8, 1), 5, kernel, blocks, first_kernel_size=first)
    )
    expected = test_case.expected_dependencies((8, 8, 1), reach(model))
    np.testing.assert_array_equal(test_case.dependencies(model), expected)
    test_case.check_steps_equal_whole(model)


def test_images_of_a_batch_do_not_see_each_other():
    """Not even in training mode: batch normalisation would."""
    model = randomize(small_model((3, 3, 3), dropout_rate=0.5))
    network = test_case.network_of_encoded(model)
    images = tf.random.normal([3, 3, 3, 3])
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = tf.reduce_sum(network(images, {}, training)[1] ** 2)
        gradient = tape.gradient(output, images).numpy()
        assert gradient[1].any() and not gradient[0].any() and not gradient[2].any()


def test_first_pixel_of_the_first_channel_is_constant():
    model = randomize(small_model((4, 4, 3)))
    parameters = model(random_images(model, 5)).numpy()
    assert np.ptp(parameters[:, 0, 0, 0], axis=0).max() == 0
    assert np.ptp(parameters[:, 0, 0, 1], axis=0).max() > 0


def test_dark_levels_are_told_apart():
    """A ReLU on the input in [-1, 1] would see all levels below the middle alike."""
    model = randomize(small_model((1, 2, 1), 256))
    images = np.zeros((2, 1, 2, 1), "uint8")
    images[:, 0, 0, 0] = [10, 60]
    parameters = model(images)[:, 0, 1].numpy()
    assert np.abs(parameters[0] - parameters[1]).max() > 1e-3


@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 4), ((1, 2, 3), 2)])
def test_probabilities_of_all_images_sum_to_1(shape, levels):
    test_case.check_normalised(randomize(small_model(shape, levels)))


@pytest.mark.parametrize("sampler", ["incremental", "ancestral"])
def test_sample_counts_match_log_prob(sampler):
    """Neither the most likely image nor another distribution is drawn."""
    model = randomize(small_model((1, 2, 3), 2))
    test_case.check_sample_counts(model, sampler=sampler)


@pytest.mark.parametrize(("shape", "levels", "kernel"), CASES)
def test_steps_equal_whole(shape, levels, kernel):
    model = randomize(small_model(shape, levels, kernel, num_blocks=3))
    test_case.check_steps_equal_whole(model)


# Every other one: that steps are as the whole pass is told of all above.
@pytest.mark.parametrize(("shape", "levels", "kernel"), CASES[::2])
def test_both_samplers_draw_the_same_images(shape, levels, kernel):
    model = randomize(small_model(shape, levels, kernel))
    steps = model.sample(3, seed=5, sampler="incremental").numpy()
    whole = model.sample(3, seed=5, sampler="ancestral").numpy()
    # A draw on the very edge of two levels may flip, and then all that follows.
    assert np.all(steps == whole, axis=(1, 2, 3)).sum() >= 2


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_likelihood_stays_float32_under_mixed_precision(policy):
    """And steps equal the whole pass in low precision."""
    model = randomize(small_model((4, 4, 3), dtype=policy))
    images = random_images(model, 4)
    assert model(images).dtype == "float32"
    assert model.parameters.compute_dtype == "float32"  # not only cast at the end
    assert model.blocks[0].compute_dtype == policy.removeprefix("mixed_")
    full = small_model((4, 4, 3))
    full.set_weights(model.get_weights())
    assert model.log_prob(images).dtype == tf.float32
    np.testing.assert_allclose(model.log_prob(images), full.log_prob(images), rtol=0.1)
    test_case.check_steps_equal_whole(model, tolerance=0.2)
    assert model.sample(2, seed=1).shape == (2, 4, 4, 3)
    model.compile("adam")
    scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scales == (policy == "mixed_float16")
    model.fit(images, verbose=0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_dtype_survives_saving_twice(policy, tmp_path):
    model = small_model((4, 4, 3), dtype=policy)
    images = random_images(model, 2)
    for _ in range(2):
        assert model.dtype_policy.name == policy
        model = test_case.check_saved(model, tmp_path, images)
    assert model.blocks[0].compute_dtype == policy.removeprefix("mixed_")


def test_global_dtype_policy_is_kept(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small_model((2, 2, 1))
    finally:
        keras.config.set_dtype_policy("float32")
    loaded = test_case.check_saved(model, tmp_path, random_images(model, 2))
    assert loaded.dtype_policy.name == "mixed_bfloat16"


def test_many_levels_in_float16():
    """65,535 overflows float16 when it is cast before it is scaled."""
    model = small_model((2, 2, 1), 65_536, dtype="mixed_float16")
    images = np.array([65_535, 0, 1, 2]).reshape(1, 2, 2, 1)
    assert np.isfinite(model.log_prob(images)).all()


def test_defaults():
    """First kernel 7, 3 in the body; filters that fit the channels."""
    model = kp.GatedPixelCNN((8, 8, 1), num_blocks=2)
    config = model.get_config()
    assert config["num_levels"] == 256 and config["filters"] == 128
    assert config["first_kernel_size"] == 7 and config["kernel_size"] == 3
    assert model.blocks[0].vertical_conv.kernel.shape == (3, 7, 1, 256)
    assert model.blocks[1].horizontal_conv.kernel.shape == (1, 2, 128, 256)
    arguments = inspect.signature(kp.GatedPixelCNN).parameters
    assert arguments["num_blocks"].default == 15
    assert kp.GatedPixelCNN((8, 8, 3), num_blocks=1).filters == 126


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="blocks"):
        kp.GatedPixelCNN((8, 8, 1), blocks=3)


def test_is_the_network_of_the_paper():
    """The whole model against plain masked convolutions of full size."""
    model = randomize(small_model((6, 5, 1), 7, 3, num_blocks=3, first_kernel_size=5))
    images = random_images(model, 2)
    np.testing.assert_allclose(model(images), reference(model, images), atol=1e-4)


def reference(model, images):
    """Gated PixelCNN for grey images, written with full k x k kernels and masks."""

    def convolve(features, kernel, rows, columns, bias=None):
        """The kernel's taps end `rows` and `columns` before the centre's far edge."""
        size = 2 * max(kernel.shape[0], kernel.shape[1]) + 1
        full = np.zeros((size, size, *kernel.shape[2:]), "float32")
        top, left = size // 2 + rows, size // 2 + columns
        full[top : top + kernel.shape[0], left : left + kernel.shape[1]] = kernel
        outputs = tf.nn.conv2d(features, full, 1, "SAME")
        return outputs if bias is None else outputs + bias

    def gate(features):
        content, opening = np.split(features, 2, axis=-1)
        return np.tanh(content) / (1 + np.exp(-opening))

    vertical = horizontal = images.astype("float32") * 2 / (model.num_levels - 1) - 1
    skips = 0.0
    for index, block in enumerate(model.blocks):
        half = block.kernel_size // 2
        above, along = block.vertical_conv, block.horizontal_conv
        before = convolve(vertical, above.kernel.numpy(), -half, -half, above.bias)
        left = convolve(horizontal, along.kernel.numpy(), 0, -half, along.bias)
        link = np.asarray(before) @ block.link.kernel.numpy()[0, 0]
        gated = gate(np.asarray(left) + link)
        skips += gated @ block.skip.kernel.numpy()[0, 0] + block.skip.bias.numpy()
        if not block.skip_only:
            outputs = gated @ block.residual.kernel.numpy()[0, 0]
            horizontal = outputs if index == 0 else outputs + horizontal
        vertical = gate(np.asarray(before))
    hidden = np.maximum(skips, 0) @ model.head.kernel.numpy()[0, 0]
    hidden = np.maximum(hidden + model.head.bias.numpy(), 0)
    logits = hidden @ model.parameters.kernel.numpy()[0, 0]
    logits += model.parameters.bias.numpy()
    return logits.reshape(*images.shape, model.num_levels)


def test_config_round_trip():
    model = small_model((4, 3, 2), 9, 5, dropout_rate=0.25, name="mine")
    copy = test_case.round_trip(model)
    assert copy.get_config() == model.get_config()
    assert copy.count_params() == model.count_params()
    assert copy.blocks[1].dropout_rate == 0.25
    config = model.get_config()
    for name in ("image_shape", "num_levels", "filters", "num_blocks", "kernel_size"):
        assert config[name] == getattr(model, name)


def test_every_weight_is_trained():
    """A weight without gradient would be a layer that leads nowhere."""
    model = small_model((4, 4, 3))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.log_prob(random_images(model, 4)))
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None and np.any(gradient)


def test_learns_a_pattern():
    """Columns that repeat to the right: half the bits are free."""
    generator = np.random.default_rng(0)
    images = np.repeat(generator.integers(0, 4, (512, 4, 2, 1)), 2, axis=2)
    model = small_model((4, 4, 1), 4, num_blocks=3)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(images, epochs=30, batch_size=64, verbose=0)
    assert model.evaluate(images, verbose=0, return_dict=True)["bits_per_dim"] < 1.2
    samples = model.sample(50, seed=0).numpy()
    same = samples[:, :, 0::2] == samples[:, :, 1::2]
    assert same.mean() > 0.9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "filters must be a positive multiple of 3.*filters=8"),
        ({"head_filters": 8}, "head_filters must be a positive multiple of 3.*=8"),
        ({"filters": 6.0}, "filters must be a positive multiple of 3.*6.0"),
        ({"num_levels": 2.5}, "num_levels must be an integer.*2.5"),
        ({"num_levels": "5"}, "num_levels must be an integer.*'5'"),
        ({"kernel_size": 3.0}, "kernel_size must be an odd integer.*3.0"),
        ({"dropout_rate": 1.0}, r"dropout_rate must be in \[0, 1\).*1.0"),
        ({"num_blocks": 0}, "num_blocks must be an integer of at least 1.*=0"),
        ({"num_blocks": None}, "num_blocks must be an integer of at least 1.*=None"),
        ({"kernel_size": 4}, "kernel_size must be an odd integer.*4"),
        ({"first_kernel_size": 1}, "odd integer of at least 3"),
        ({"num_levels": 1}, "num_levels must be"),
        ({"likelihood": "normal"}, "likelihood must be one of"),
        ({"image_shape": (4, 4)}, "image_shape must be"),
        ({"image_shape": (0, 4, 1)}, "image_shape must be"),
        ({"image_shape": (4, 4.5, 1)}, "image_shape must be"),
        ({"dropout_rate": -0.5}, "dropout_rate must be"),
        ({"dropout_rate": "a"}, r"dropout_rate must be in \[0, 1\).*'a'"),
        ({"dropout_rate": None}, r"dropout_rate must be in \[0, 1\).*None"),
        ({"dropout_rate": True}, r"dropout_rate must be in \[0, 1\).*True"),
        ({"num_levels": True}, "num_levels must be an integer.*True"),
        ({"filters": True}, "filters must be a positive multiple of 3.*True"),
        ({"kernel_size": True}, "kernel_size must be an odd integer.*True"),
        ({"num_blocks": True}, "num_blocks must be an integer of at least 1.*=True"),
        ({"image_shape": (4, True, 1)}, "image_shape must be"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.GatedPixelCNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})


def test_65536_levels():
    model = kp.GatedPixelCNN((2, 2, 1), num_levels=65_536, filters=4, num_blocks=1)
    images = np.array([65_535, 0, 1, 40_000], "uint16").reshape(1, 2, 2, 1)
    bits = kp.bits_per_dim(model.log_prob(images), 4).numpy()
    assert bits == pytest.approx(16, abs=1)
    samples = model.sample(8, seed=1)
    assert samples.dtype == tf.int32 and samples.numpy().max() > 256
    model.compile()
    history = model.fit(images, verbose=0)
    assert math.isfinite(history.history["loss"][0])
