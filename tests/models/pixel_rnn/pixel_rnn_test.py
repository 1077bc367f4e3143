"""What every model owes, and what it sees of an image, for PixelRNN."""

import inspect
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.receptive_field import network_of_encoded
from tests import test_case
from tests.test_case import random_images, randomize

CELLS = ("row_lstm", "diagonal_bilstm")
SHAPES = [(1, 6, 1), (6, 1, 1), (3, 9, 1), (7, 3, 1), (3, 4, 3)]

each_cell = pytest.mark.parametrize("cell", CELLS)


def small_model(image_shape, cell, num_levels=5, **arguments):
    channels = image_shape[-1]
    # Wide: ReLUs that are all shut would hide what a test looks for.
    arguments = {
        "filters": 6 * channels,
        "head_filters": 12 * channels,
        "num_layers": 2,
        "first_kernel_size": 3,
        **arguments,
    }
    return kp.PixelRNN(image_shape, num_levels=num_levels, cell=cell, **arguments)


def earlier(image_shape):
    """Everything that comes before, in raster order."""
    dims = np.prod(image_shape)
    return np.tril(np.ones((dims, dims), bool), -1).reshape(*image_shape, *image_shape)


def expected_of_row_lstm(model):
    """What is open from the image to the last block, tap by tap."""
    height, width, channels = model.image_shape
    groups = model.pixel_likelihood.color_groups
    first = model.first_kernel_size // 2
    taps = model.blocks[0].kernel_size // 2
    places = list(itertools.product(range(height), range(width), range(groups)))

    def pairs(is_open):
        """Which places each place sees, from (rows up, columns to the left, groups)."""
        return np.array(
            [
                [is_open(r - up, c - left, group, other) for up, left, other in places]
                for r, c, group in places
            ],
            int,
        )

    def convolution(up, left, group, other):
        if up == 0:
            return 0 < left <= first or (left == 0 and other < group)
        return 0 < up <= first and abs(left) <= first

    def input_to_state(up, left, group, other):
        return up == 0 and (0 < left <= taps or (left == 0 and other <= group))

    seen = pairs(convolution)
    inputs = pairs(input_to_state)
    states = pairs(lambda up, left, *_: up == 1 and abs(left) <= taps)
    for _ in model.blocks:
        hidden = inputs @ seen
        for _ in range(height):
            hidden = inputs @ seen + states @ hidden > 0
        seen = (seen + hidden > 0).astype(int)
    seen = seen.astype(bool).reshape(height, width, groups, height, width, groups)
    if groups == channels:
        return seen
    return np.tile(seen, (1, 1, channels, 1, 1, channels)) | within_pixels(model)


def within_pixels(model):
    """Of each pixel its own channels before each channel."""
    pixels = np.eye(np.prod(model.image_shape[:2]), dtype=bool)
    size = model.image_shape[:2]
    pixels = pixels.reshape(*size, 1, *size, 1)
    return pixels & earlier(model.image_shape)


@pytest.mark.parametrize(
    ("shape", "kernel"), [*zip(SHAPES, itertools.cycle([3, 5])), ((3, 4, 3), 5)]
)
def test_row_lstm_sees_its_triangle_and_nothing_else(shape, kernel):
    model = small_model(shape, "row_lstm", kernel_size=kernel)
    found = kp.dependencies(randomize(model))
    np.testing.assert_array_equal(found, expected_of_row_lstm(model))


def test_triangle_of_a_row_lstm():
    """One layer: pixels beside the triangle, past as they are, are not seen."""
    model = randomize(small_model((5, 9, 1), "row_lstm", num_layers=1))
    seen = kp.dependencies(model, pixel=(4, 4))[0, :, :, 0]
    picture = ["".join("x" if pixel else "." for pixel in row) for row in seen]
    assert picture == [
        "xxxxxxxxx",
        "xxxxxxxx.",
        "xxxxxxx..",
        ".xxxxx...",
        "..xx.....",
    ]


@pytest.mark.parametrize(("shape", "num_layers"), list(zip(SHAPES, [2, 2, 1, 1, 2])))
def test_diagonal_bilstm_sees_all_that_comes_before(shape, num_layers):
    """Also the last pixel of the row above, and nothing of what comes after."""
    model = small_model(shape, "diagonal_bilstm", num_layers=num_layers)
    np.testing.assert_array_equal(kp.dependencies(randomize(model)), earlier(shape))


@each_cell
def test_logistic_mixture_sees_whole_pixels(cell):
    shape = (3, 4, 3)
    model = small_model(shape, cell, likelihood="logistic_mixture", filters=5)
    expected = earlier(shape)
    if cell == "row_lstm":
        expected = expected_of_row_lstm(model)
    np.testing.assert_array_equal(kp.dependencies(randomize(model)), expected)


@each_cell
def test_images_of_a_batch_do_not_see_each_other(cell):
    network = network_of_encoded(randomize(small_model((3, 3, 3), cell)))
    images = tf.random.normal([3, 3, 3, 3])
    with tf.GradientTape() as tape:
        tape.watch(images)
        output = tf.reduce_sum(network(images, {}, training=True)[1] ** 2)
    gradient = tape.gradient(output, images).numpy()
    assert gradient[1].any() and not gradient[0].any() and not gradient[2].any()


@each_cell
@pytest.mark.parametrize("likelihood", ["categorical", "logistic_mixture"])
@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 4), ((1, 2, 3), 2)])
def test_probabilities_of_all_images_sum_to_1(shape, levels, cell, likelihood):
    model = small_model(shape, cell, levels, likelihood=likelihood)
    test_case.check_normalised(randomize(model))


@pytest.mark.parametrize("likelihood", ["categorical", "logistic_mixture"])
@pytest.mark.parametrize(
    ("shape", "kernel", "layers"),
    [((1, 1, 1), 3, 1), ((5, 4, 1), 5, 2), ((6, 1, 2), 3, 2), ((3, 4, 3), 1, 3)],
)
def test_steps_equal_whole(shape, kernel, layers, likelihood):
    model = small_model(
        shape,
        "row_lstm",
        kernel_size=kernel,
        num_layers=layers,
        likelihood=likelihood,
    )
    test_case.check_steps_equal_whole(randomize(model))


@pytest.mark.parametrize("likelihood", ["categorical", "logistic_mixture"])
def test_both_samplers_draw_the_same_images(likelihood):
    model = small_model((4, 3, 2), "row_lstm", likelihood=likelihood, num_layers=1)
    randomize(model)
    steps, whole = (
        model.sample(3, seed=5, sampler=name).numpy()
        for name in ("incremental", "ancestral")
    )
    # A draw on the very edge of two levels may flip, and then all that follows.
    assert np.all(steps == whole, axis=(1, 2, 3)).sum() >= 2


def test_both_samplers_complete_alike():
    """From rows that are taken in one pass, and from pixels in between."""
    model = randomize(small_model((6, 5, 1), "row_lstm", first_kernel_size=5))
    images, mask = random_images(model, 4), np.zeros((4, 6, 5), bool)
    mask[:, :3], mask[1:, 4, 2:], mask[3, 3] = True, True, True
    steps, whole = (
        model.complete(images, mask, seed=5, sampler=name).numpy()
        for name in ("incremental", "ancestral")
    )
    np.testing.assert_array_equal(steps[mask], images[mask])
    assert np.all(steps == whole, axis=(1, 2, 3)).sum() >= 3
    assert np.ptp(whole[~mask]) > 0


@each_cell
def test_seeds_units_saving_and_export(cell, tmp_path):
    model = randomize(small_model((2, 3, 2), cell, num_layers=1))
    model = test_case.check_saved(model, tmp_path, random_images(model, 2))
    test_case.check_exported(model, tmp_path / "export")
    test_case.check_seeds_and_units(model)


def test_diagonal_bilstm_has_no_steps_and_says_why():
    model = small_model((2, 2, 1), "diagonal_bilstm", num_layers=1)
    assert not model.has_scan_steps
    with pytest.raises(ValueError, match=r"diagonals.*ancestral"):
        model.sample(1, sampler="incremental")
    with pytest.raises(NotImplementedError, match="diagonals"):
        model.scan_steps()
    assert model.sample(2, seed=1).shape == (2, 2, 2, 1)


@each_cell
def test_mixed_precision_and_xla(cell):
    """The likelihood stays float32; a step that XLA compiles has the same loss."""
    arguments = {"num_layers": 1, "filters": 4}
    model = small_model((3, 4, 2), cell, dtype="mixed_bfloat16", **arguments)
    images = random_images(randomize(model), 4)
    assert model(images).dtype == "float32"
    assert model.parameters.compute_dtype == "float32"
    assert model.blocks[0].recurrence.compute_dtype == "bfloat16"
    full = small_model((3, 4, 2), cell, **arguments)
    full.set_weights(model.get_weights())
    nats = full.log_prob(images)
    np.testing.assert_allclose(model.log_prob(images), nats, rtol=0.1)
    if cell == "row_lstm":
        test_case.check_steps_equal_whole(model, tolerance=0.2)
    full.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    losses = full.fit(images, epochs=4, verbose=0).history["loss"]
    bits = kp.bits_per_dim(nats, full.num_dims).numpy().mean()
    assert losses[0] == pytest.approx(bits, rel=1e-5) and losses[-1] < losses[0]


@each_cell
def test_training_lowers_the_loss(cell):
    """Columns that are alike are soon foreseen."""
    keras.utils.set_random_seed(0)
    column = np.random.default_rng(0).integers(0, 4, (32, 4, 1, 1))
    images = np.repeat(column, 4, axis=2)
    model = small_model((4, 4, 1), cell, 4, filters=6, num_layers=1)
    model.compile(keras.optimizers.Adam(0.01))
    losses = model.fit(images, epochs=25, batch_size=32, verbose=0).history["loss"]
    assert losses[0] > 1.8 and losses[-1] < 1.3


@each_cell
def test_every_weight_is_trained(cell):
    """A weight without gradient would be a layer that leads nowhere."""
    model = small_model((3, 3, 2), cell, num_layers=1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.log_prob(random_images(model, 4)))
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None and np.any(gradient)


def test_flops_by_hand():
    """Two channels: a quarter of what groups see of their own pixel is closed."""
    rows, diagonals = (
        small_model((2, 3, 2), cell, 4, filters=4, head_filters=8, num_layers=1)
        for cell in CELLS
    )
    first = 2 * 8 * 4 + 2 * 8 // 4  # four taps, and the pixel for the second group
    upsampling = 4 * 8 * 3 // 4
    ends = 8 * 8 * 3 // 4 * 2 + 8 * 8 * 3 // 4
    row_lstm = 8 * 16 * (1 + 3 / 4) + 3 * 4 * 16
    assert rows.flops() == 2 * 6 * (first + row_lstm + upsampling + ends)
    diagonal = 2 * (8 * 16 * 3 / 4 + 2 * 4 * 16)
    # In the network one column more, where the cells from the right begin.
    body = 8 * (first + diagonal + upsampling)
    assert diagonals.flops() == 2 * (body + 6 * ends)


def test_defaults():
    model = kp.PixelRNN((4, 4, 3), num_layers=1)
    config = model.get_config()
    assert config["filters"] == 126 and config["cell"] == "row_lstm"
    assert model.first_convolution.kernel.shape == (4, 7, 3, 252)
    assert model.blocks[0].recurrence.state_kernel.shape == (3, 126, 504)
    assert [head.filters for head in model.heads] == [252, 252]
    assert inspect.signature(kp.PixelRNN).parameters["num_layers"].default == 12


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "filters must be a positive multiple of 3.*filters=8"),
        ({"head_filters": 8}, "head_filters must be a positive multiple of 3.*=8"),
        ({"num_layers": 0}, "num_layers must be an integer of at least 1.*=0"),
        ({"num_layers": "2"}, "num_layers must be an integer of at least 1.*='2'"),
        ({"cell": "lstm"}, "cell must be one of.*'lstm'"),
        ({"kernel_size": 4}, "kernel_size must be an odd integer.*4"),
        ({"cell": CELLS[1], "kernel_size": 3}, 'belongs to cell="row_lstm".*=3'),
        ({"first_kernel_size": 1}, "odd integer of at least 3"),
        ({"num_levels": 1}, "num_levels must be"),
        ({"likelihood": "normal"}, "likelihood must be one of"),
        ({"image_shape": (4, 4)}, "image_shape must be"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PixelRNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})
