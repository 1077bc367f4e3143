"""What every model owes, its exact network and its blind spot, for PixelCNN."""

import inspect
import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from tests import test_case
from tests.models.base.flops_test import flops_of_graph
from tests.models.gated_pixelcnn.gated_pixelcnn_test import STATES
from tests.test_case import random_conditions, random_images, randomize

# Shapes with levels, kernels of the blocks and of the first convolution.
CASES = [
    ((1, 1, 1), 2, 3, 3),
    ((1, 9, 2), 5, 5, 3),
    ((5, 3, 3), 256, 3, 5),
    ((6, 7, 1), 5, 3, 3),
    ((4, 6, 3), 5, 5, 7),
]
MIXTURE = {"name": "logistic_mixture", "num_mixtures": 3}
CONDITIONS = {"num_classes": 3, "embedding_dim": 4, "spatial_shape": (2, 3, 2)}


def small_model(
    image_shape, num_levels=5, kernel_size=3, first_kernel_size=3, **arguments
):
    channels = image_shape[-1]
    # A wide head: ReLUs that are all shut would hide what a test looks for.
    arguments = {
        "filters": 6 * channels,
        "head_filters": 12 * channels,
        "num_blocks": 2,
        **arguments,
    }
    return kp.PixelCNN(
        image_shape,
        num_levels=num_levels,
        kernel_size=kernel_size,
        first_kernel_size=first_kernel_size,
        **arguments,
    )


def seen_through(image_shape, kernel_size, mask_type, groups):
    """Which inputs one masked convolution shows each output: (n, n) of pixels, groups.

    Counted tap by tap; nothing beyond the edge counts.
    """
    height, width, _ = image_shape
    places = list(itertools.product(range(height), range(width), range(groups)))
    half = kernel_size // 2
    seen = np.zeros((len(places), len(places)), int)
    for (i, (row, column, group)), (j, (above, left, other)) in itertools.product(
        enumerate(places), repeat=2
    ):
        near = row - above <= half and abs(column - left) <= half
        before = above < row or (above == row and left < column)
        own = (above, left) == (row, column)
        open_group = other < group or (mask_type == "B" and other == group)
        seen[i, j] = near and (before or (own and open_group))
    return seen


def expected_dependencies(model):
    """What the masks let through, layer after layer."""
    shape, groups = model.image_shape, model.pixel_likelihood.color_groups
    pointwise = seen_through(shape, 1, "B", groups)
    body = seen_through(shape, model.kernel_size, "B", groups)
    seen = pointwise
    for _ in range(model.num_blocks):
        # The residual adds what the way through the convolution has: itself.
        seen = (seen @ body @ pointwise > 0).astype(int)
    first = seen_through(shape, model.first_kernel_size, "A", groups)
    seen = (seen @ first > 0).reshape(*shape[:2], groups, *shape[:2], groups)
    if groups == shape[-1]:
        return seen
    every = np.ones((shape[-1], 1, 1, shape[-1]), bool)
    expected = seen & every
    for row, column, channel in np.ndindex(shape):
        expected[row, column, channel, row, column, :channel] = True
    return expected


@pytest.mark.parametrize(
    ("case", "state"), list(zip(CASES, itertools.cycle(STATES))), ids=str
)
def test_depends_on_what_the_masks_show_and_steps_equal_whole(case, state, tmp_path):
    """Exactly: its blind spot is there, and nothing else is missing."""
    model = STATES[state](small_model(*case), tmp_path)
    np.testing.assert_array_equal(kp.dependencies(model), expected_dependencies(model))
    least = 0 if case[0] == (1, 1, 1) else 0.1
    test_case.check_steps_equal_whole(model, least=least)


@pytest.mark.parametrize("num_blocks", [1, 2, 4])
def test_blind_spot(num_blocks):
    """Of each row above one pixel more to the right is seen, and as many as there are
    layers to the left; the Gated PixelCNN of the same depth sees the whole rectangle.
    """
    reach, shape = num_blocks + 1, (7, 11, 1)
    row, column = 6, 5
    expected = np.zeros(shape[:2], bool)
    for above in range(min(reach, row) + 1):
        left, right = max(column - reach, 0), column + above - (above == 0)
        expected[row - above, left : right + 1] = True
    model = randomize(small_model(shape, num_blocks=num_blocks, filters=8))
    seen = kp.dependencies(model, (row, column))[0, ..., 0]
    np.testing.assert_array_equal(seen, expected)
    gated = randomize(
        kp.GatedPixelCNN(
            shape,
            5,
            filters=8,
            num_blocks=num_blocks + 1,
            kernel_size=3,
            first_kernel_size=3,
        )
    )
    others = kp.dependencies(gated, (row, column))[0, ..., 0]
    rectangle = test_case.expected_dependencies(shape, reach)[row, column, 0, ..., 0]
    np.testing.assert_array_equal(others, rectangle)
    blind = others & ~seen
    width = shape[1] - 1 - column
    rows = range(min(reach, row) + 1)
    assert blind.sum() == sum(max(min(reach, width) - above, 0) for above in rows[1:])


def test_is_the_network_of_the_paper():
    """The whole model against plain masked convolutions of full size."""
    model = randomize(small_model((6, 5, 3), 7, 3, 5))
    images = random_images(model, 2)
    np.testing.assert_allclose(model(images), reference(model, images), atol=1e-4)


def reference(model, images):
    """Written with full kernels, masks counted by hand, and Keras's convolution."""

    def convolve(features, layer):
        kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
        size, (_, _, inputs, filters) = kernel.shape[1], kernel.shape
        full = np.zeros((size, size, inputs, filters), "float32")
        full[: size // 2] = kernel[: size // 2]
        full[size // 2, : size // 2] = kernel[-1, : size // 2]
        for i, o in np.ndindex(inputs, filters):
            before, own = i * 3 // inputs, o * 3 // filters
            if before < own or (layer.mask_type == "B" and before == own):
                full[size // 2, size // 2, i, o] = kernel[-1, size // 2, i, o]
        return keras.ops.conv(features, full, padding="same") + bias

    relu = keras.ops.relu
    features = images.astype("float32") * 2 / (model.num_levels - 1) - 1
    features = convolve(features, model.first_convolution)
    for block in model.blocks:
        inner = convolve(relu(features), block.reduction)
        inner = convolve(relu(inner), block.convolution)
        features += convolve(relu(inner), block.expansion)
    for layer in (*model.heads, model.parameters):
        features = convolve(relu(features), layer)
    return np.reshape(features, (*images.shape, model.num_levels))


def test_defaults():
    """Those of the paper: first kernel 7, then 3; filters that fit the channels."""
    model = kp.PixelCNN((8, 8, 3), num_blocks=1)
    assert model.first_convolution.kernel.shape == (4, 7, 3, 2 * 126)
    assert model.blocks[0].convolution.kernel.shape == (2, 3, 126, 126)
    assert [head.filters for head in model.heads] == [252, 252]
    ours = inspect.signature(kp.PixelCNN).parameters
    gated = inspect.signature(kp.GatedPixelCNN).parameters
    assert {name: ours[name].default for name in ours} == {
        name: gated[name].default for name in gated
    }


def all_conditions_model(image_shape):
    return randomize(
        small_model(
            image_shape,
            num_blocks=1,
            dropout_rate=0.5,
            condition_dropout=0.25,
            **CONDITIONS,
        )
    )


def test_under_all_conditions(tmp_path):
    """Causal, and by steps as whole; saved and loaded without custom objects."""
    model = all_conditions_model((4, 3, 3))
    np.testing.assert_array_equal(kp.dependencies(model), expected_dependencies(model))
    test_case.check_steps_equal_whole(model)
    loaded = test_case.check_saved(model, tmp_path, random_images(model, 3))
    assert loaded.num_classes == 3 and loaded.spatial_shape == (2, 3, 2)


def test_exported_with_all_signatures(tmp_path):
    model = all_conditions_model((3, 2, 1))
    test_case.check_exported(model, tmp_path / "export")
    metadata = tmp_path / "export" / "assets.extra" / "metadata.json"
    metadata = json.loads(metadata.read_text(encoding="utf-8"))
    assert metadata["model"] == "PixelCNN"
    every = {"sample_png", "complete", "log_prob", "classify", "interpolate"}
    assert every < set(metadata["signatures"])


def test_conditions_reach_every_block():
    model = randomize(small_model((3, 3, 1), num_classes=4))
    images = random_images(model, 1)
    by_label = [model.log_prob(images, label=label).numpy()[0] for label in range(4)]
    assert np.ptp(by_label) > 1e-3
    assert len(model.conditionings) == len(model.blocks)


@pytest.mark.parametrize("shape", [(4, 3, 2), (5, 4, 1)])
def test_logistic_mixture(shape):
    """The network orders pixels alone; the channels are the likelihood's concern."""
    model = small_model(shape, 7, filters=5, head_filters=31, likelihood=MIXTURE)
    randomize(model, scale=0.3)
    assert model.blocks[0].color_groups == 1
    np.testing.assert_array_equal(kp.dependencies(model), expected_dependencies(model))
    test_case.check_steps_equal_whole(model)
    copy = test_case.round_trip(model)
    assert copy.get_config() == model.get_config()


def test_logistic_mixture_is_normalised():
    model = small_model((1, 2, 2), 3, filters=5, likelihood=MIXTURE)
    test_case.check_normalised(randomize(model))


@pytest.mark.parametrize(
    ("case", "likelihood"), [(CASES[3], "categorical"), (CASES[2], "logistic_mixture")]
)
def test_both_samplers_draw_the_same_images_and_complete_them(case, likelihood):
    """Also below rows that are known, which the steps take in one pass."""
    model = randomize(small_model(*case, likelihood=likelihood), scale=0.3)
    images = random_images(model, 3)
    mask = np.zeros((3, *model.image_shape[:2]), bool)
    mask[:, :2] = mask[0, :3] = mask[1:, -1, 1] = True
    found = []
    for sampler in ("incremental", "ancestral"):
        drawn = model.sample(3, seed=5, sampler=sampler)
        filled = model.complete(images, mask, seed=5, sampler=sampler)
        found.append(np.concatenate([drawn, filled]))
    # A draw on the very edge of two levels may flip, and then all that follows.
    assert np.all(found[0] == found[1], axis=(1, 2, 3)).sum() >= 5
    np.testing.assert_array_equal(found[0][3:][mask], images[mask])


def test_seeds_and_units():
    test_case.check_seeds_and_units(small_model((4, 3, 2), 9, dropout_rate=0.5))


@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 4), ((1, 2, 3), 2)])
def test_probabilities_of_all_images_sum_to_1(shape, levels):
    test_case.check_normalised(randomize(small_model(shape, levels)))


def test_sample_counts_match_log_prob():
    test_case.check_sample_counts(randomize(small_model((1, 2, 3), 2)), 10_000)


def test_images_of_a_batch_do_not_see_each_other():
    model = randomize(small_model((3, 3, 3), dropout_rate=0.5))
    network = test_case.network_of_encoded(model)
    images = tf.random.normal([3, 3, 3, 3])
    with tf.GradientTape() as tape:
        tape.watch(images)
        output = tf.reduce_sum(network(images, {}, True)[1] ** 2)
    gradient = tape.gradient(output, images).numpy()
    assert gradient[1].any() and not gradient[0].any() and not gradient[2].any()


def test_dropout_closes_no_way_for_good():
    model = randomize(small_model((4, 4, 3), dropout_rate=0.3))
    expected = expected_dependencies(model)
    found = kp.dependencies(model, training=True, tries=8)
    assert not found[~expected].any()
    assert found.sum() >= 0.99 * expected.sum()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_likelihood_stays_float32_under_mixed_precision(policy, tmp_path):
    model = randomize(small_model((4, 4, 3), dtype=policy))
    images = random_images(model, 3)
    assert model(images).dtype == "float32"
    assert model.parameters.compute_dtype == "float32"
    assert model.blocks[0].convolution.compute_dtype == policy.removeprefix("mixed_")
    assert model.log_prob(images).dtype == tf.float32
    test_case.check_steps_equal_whole(model, tolerance=0.2)
    loaded = test_case.check_saved(model, tmp_path, images)
    assert loaded.dtype_policy.name == policy


def test_config_round_trip_and_loader(tmp_path):
    model = small_model((4, 3, 2), 9, 5, dropout_rate=0.25, name="mine")
    copy = test_case.round_trip(model)
    assert copy.get_config() == model.get_config()
    assert copy.count_params() == model.count_params()
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert type(loaded) is kp.PixelCNN
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


def test_every_weight_is_trained():
    """A weight without gradient would be a layer that leads nowhere."""
    model = small_model((4, 4, 3), num_classes=2)
    images = random_images(model, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.log_prob(images, label=[0, 1, 1, 0]))
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None and np.any(gradient)


def test_gradient_checkpointing_trains_the_same():
    found = []
    for gradient_checkpointing in (False, True):
        keras.utils.set_random_seed(0)
        model = small_model(
            (4, 4, 3),
            dropout_rate=0.4,
            gradient_checkpointing=gradient_checkpointing,
            condition_dropout=0.3,
            **CONDITIONS,
        )
        randomize(model, scale=0.3)
        model.compile(keras.optimizers.SGD(0.5))
        features = {"image": random_images(model, 4), **random_conditions(model, 4)}
        history = model.fit(features, epochs=2, batch_size=4, shuffle=False, verbose=0)
        found.append([history.history["loss"], *model.get_weights()])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("conditions", [{}, CONDITIONS], ids=["none", "all"])
@pytest.mark.parametrize("channels", [1, 3])
def test_flops_are_the_open_products_of_the_graph(channels, conditions):
    model = small_model((5, 4, channels), 7, 5, filters=6, **conditions)
    assert model.flops() == flops_of_graph(randomize(model))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "filters must be a positive multiple of 3.*filters=8"),
        ({"head_filters": 8}, "head_filters must be a positive multiple of 3.*=8"),
        ({"kernel_size": 1}, "kernel_size must be an odd integer of at least 3.*1"),
        ({"first_kernel_size": 1}, "odd integer of at least 3"),
        ({"dropout_rate": 1.0}, r"dropout_rate must be in \[0, 1\).*1.0"),
        ({"num_blocks": 0}, "num_blocks must be an integer of at least 1.*=0"),
        ({"num_blocks": None}, "num_blocks must be an integer of at least 1.*=None"),
        ({"likelihood": "normal"}, "likelihood must be one of"),
        ({"image_shape": (4, 4)}, "image_shape must be"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PixelCNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})
