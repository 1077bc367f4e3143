"""What every model owes, and its exact network, for PixelCNNPlusPlus."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests import test_case
from tests.models.base.flops_test import flops_of_graph
from tests.models.pixelcnn_plus_plus.reference import expected_dependencies, reference
from tests.test_case import random_conditions, random_images, randomize

# Odd sizes, single rows and columns, sizes that 4 does and does not divide; with how
# many resolutions, and what the pixels are.
CASES = [
    ((1, 1, 1), 3, "categorical"),
    ((1, 9, 1), 2, "logistic_mixture"),
    ((7, 1, 3), 3, "logistic_mixture"),
    ((5, 4, 3), 2, "logistic_mixture"),
    ((6, 7, 1), 3, "categorical"),
    ((4, 8, 2), 3, "logistic_mixture"),
    ((9, 10, 1), 1, "categorical"),
]
CONDITIONS = {"num_classes": 3, "embedding_dim": 2, "spatial_shape": (2, 3, 1)}


def small_model(image_shape, num_levels=5, num_resolutions=2, **kwargs):
    arguments = {"filters": 4, "num_blocks": 1, "dropout_rate": 0.0, **kwargs}
    return kp.PixelCNNPlusPlus(
        image_shape, num_levels, num_resolutions=num_resolutions, **arguments
    )


@pytest.fixture(scope="module", params=CASES, ids=str)
def model(request):
    shape, resolutions, likelihood = request.param
    model = small_model(shape, num_resolutions=resolutions, likelihood=likelihood)
    return randomize(model, scale=0.2)


def test_is_the_network_of_the_paper(model):
    images = random_images(model, 2)
    expected = reference(model, images)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-4)


def test_is_causal_and_sees_all_within_reach(model):
    """Through the strided layers too, and nothing else."""
    expected = expected_dependencies(model)
    dims = model.num_dims
    earlier = np.tril(np.ones((dims, dims), bool), -1).reshape(expected.shape)
    assert not (expected & ~earlier).any()
    if model.network.resolutions[-1].size == (9, 10):
        assert not expected[8, 4, 0, 0].any()  # out of reach
    else:
        assert expected[-1, -1, :, :-1].all()  # no blind spot
    np.testing.assert_array_equal(kp.dependencies(model, tries=2), expected)


def test_steps_equal_whole(model):
    test_case.check_steps_equal_whole(model)


def test_is_causal_before_training_and_with_dropout():
    model = small_model((5, 4, 3), dropout_rate=0.5)
    expected = expected_dependencies(model)
    np.testing.assert_array_equal(kp.dependencies(model, tries=2), expected)
    found = kp.dependencies(model, training=True, tries=2)
    assert not found[~expected].any() and found.sum() > 0.9 * expected.sum()


@pytest.fixture(scope="module")
def conditional():
    """A model of RGB images with all conditions, which it can do without."""
    model = small_model((5, 6, 3), condition_dropout=0.2, **CONDITIONS)
    return randomize(model, scale=0.2)


def test_conditions_enter_everywhere_and_steps_know_them(conditional):
    """Also at lower resolutions; and nothing of them comes from later pixels."""
    expected = expected_dependencies(conditional)
    np.testing.assert_array_equal(kp.dependencies(conditional, tries=2), expected)
    test_case.check_steps_equal_whole(conditional)
    given = random_conditions(conditional, 1)
    images = np.zeros((1, 5, 6, 3), int)
    whole = conditional({"image": images, **given})
    for name, value in given.items():
        other = 1 - value if name == "label" else value + 1
        changed = conditional({"image": images, **given, name: other})
        assert np.any(changed != whole, axis=-1).all()


def assert_mostly_same(ours, theirs):
    """A draw on the very edge of two levels may flip one image."""
    assert np.all(ours == theirs, axis=(1, 2, 3)).sum() >= len(ours) - 1


def test_all_ways_of_drawing_agree(conditional):
    """By steps and by whole passes: guided, with known rows and pixels."""
    given = random_conditions(conditional, 4)
    images = random_images(conditional, 4)
    mask = np.zeros((5, 6), bool)
    mask[:3], mask[3, :2], mask[4, 3:] = True, True, True
    how = {"seed": 1, "guidance_scale": [0, 1, 2, 3], **given}
    steps = conditional.complete(images, mask, **how).numpy()
    whole = conditional.complete(images, mask, sampler="ancestral", **how).numpy()
    assert_mostly_same(steps, whole)
    np.testing.assert_array_equal(steps[:, mask], images[:, mask])
    assert np.any(steps != images)


def test_draws_by_steps_what_whole_passes_draw():
    """In slices of the batch, and by XLA."""
    model = small_model((6, 5, 1), likelihood="categorical")
    randomize(model, scale=0.2)
    whole = model.sample(20, seed=5, sampler="ancestral").numpy()
    assert_mostly_same(model.sample(20, seed=5).numpy(), whole)
    compiled = model.sample(20, seed=5, jit_compile=True).numpy()
    assert_mostly_same(compiled, whole)


@pytest.mark.parametrize(
    ("shape", "levels", "likelihood"),
    [
        ((2, 2, 1), 3, "categorical"),
        ((3, 2, 1), 3, "logistic_mixture"),
        ((1, 2, 3), 2, "logistic_mixture"),
    ],
)
def test_probabilities_of_all_images_sum_to_1(shape, levels, likelihood):
    model = small_model(shape, levels, likelihood=likelihood)
    test_case.check_normalised(randomize(model, scale=0.2))


def test_sample_counts_match_log_prob():
    model = randomize(small_model((2, 1, 3), 2), scale=0.2)
    test_case.check_sample_counts(model, count=5_000)


@pytest.mark.parametrize("likelihood", ["categorical", "logistic_mixture"])
def test_seeds_and_units(likelihood):
    model = small_model((3, 5, 1), likelihood=likelihood, dropout_rate=0.5)
    test_case.check_seeds_and_units(randomize(model, scale=0.2))


@pytest.mark.slow
def test_export(conditional, tmp_path):
    test_case.check_exported(conditional, tmp_path / "export")


def test_saving_and_config(conditional, tmp_path):
    images = random_images(conditional, 2)
    loaded = test_case.check_saved(conditional, tmp_path, images)
    test_case.check_steps_equal_whole(loaded)
    config = conditional.get_config()
    assert config["spatial_shape"] == (2, 3, 1) and config["num_blocks"] == 1
    model = small_model((4, 3, 2), dropout_rate=0.25, name="mine")
    copy = test_case.round_trip(model)
    assert copy.get_config() == model.get_config()
    assert copy.network.resolutions[1].blocks["after"][0].left.dropout_rate == 0.25


def test_defaults_are_those_of_the_paper():
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(kp.PixelCNNPlusPlus).parameters.items()
    }
    assert defaults["filters"] == 160 and defaults["num_blocks"] == 5
    assert defaults["num_resolutions"] == 3 and defaults["dropout_rate"] == 0.5
    assert defaults["likelihood"] == "logistic_mixture"
    model = small_model((8, 8, 3), num_resolutions=3, num_blocks=2)
    counts = [
        [len(resolution.blocks[way]) for way in ("before", "after")]
        for resolution in model.network.resolutions
    ]
    assert counts == [[2, 3], [2, 3], [2, 2]]
    sizes = [resolution.size for resolution in model.network.resolutions]
    assert sizes == [(8, 8), (4, 4), (2, 2)]


def test_counts_the_products_of_the_graph(conditional):
    assert conditional.flops() == flops_of_graph(conditional)
    model = randomize(small_model((7, 5, 1), 4, 3, likelihood="categorical"))
    assert model.flops() == flops_of_graph(model)


def test_training_lowers_the_loss():
    """Pairs of equal columns: half the bits are free."""
    generator = np.random.default_rng(0)
    images = np.repeat(generator.integers(0, 4, (64, 4, 2, 1)), 2, axis=2)
    model = small_model(
        (4, 4, 1),
        4,
        filters=8,
        dropout_rate=0.1,
        likelihood="categorical",
    )
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(images, epochs=12, batch_size=16, verbose=0)
    bits = history.history["bits_per_dim"]
    assert bits[0] > 1.7 and bits[-1] < 1.5


def test_gradient_checkpointing_changes_no_gradient():
    """And every weight has one."""
    found = []
    for gradient_checkpointing in (False, True):
        keras.utils.set_random_seed(0)
        model = small_model(
            (5, 4, 3),
            dropout_rate=0.4,
            gradient_checkpointing=gradient_checkpointing,
            **CONDITIONS,
        )
        randomize(model, scale=0.2)
        given = random_conditions(model, 3)
        with tf.GradientTape() as tape:
            outputs = model({"image": random_images(model, 3), **given}, training=True)
            loss = tf.reduce_mean(outputs**2)
        variables = [variable.value for variable in model.trainable_variables]
        found.append(tape.gradient(loss, variables))
    for kept, recomputed in zip(*found):
        assert np.any(kept)
        np.testing.assert_allclose(recomputed, kept, rtol=1e-4, atol=1e-5)


def test_likelihood_stays_float32_under_mixed_precision():
    model = small_model((4, 5, 3), dtype="mixed_bfloat16")
    randomize(model, scale=0.2)
    images = random_images(model, 3)
    assert model(images).dtype == "float32"
    block = model.network.resolutions[0].blocks["before"][0].above
    assert block.first_conv.compute_dtype == "bfloat16"
    assert block.first_conv.kernel.dtype == "float32"
    full = small_model((4, 5, 3))
    full.set_weights(model.get_weights())
    np.testing.assert_allclose(model.log_prob(images), full.log_prob(images), rtol=0.1)
    test_case.check_steps_equal_whole(model, tolerance=0.2)


def test_images_of_a_batch_do_not_see_each_other():
    model = randomize(small_model((3, 3, 3), dropout_rate=0.5), scale=0.2)
    images = random_images(model, 3)
    whole, alone = model(images), model(images[1:2])
    np.testing.assert_allclose(whole[1:2], alone, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"likelihood": "categorical"}, "3 channels.*Use .*logistic_mixture"),
        ({"likelihood": "normal"}, "likelihood must be one of"),
        ({"filters": 0}, "filters must be an integer of at least 1.*0"),
        ({"num_blocks": 1.5}, "num_blocks must be an integer of at least 1.*1.5"),
        ({"num_resolutions": 0}, "num_resolutions must be an integer.*0"),
        ({"dropout_rate": 1.0}, r"dropout_rate must be in \[0, 1\).*1.0"),
        ({"image_shape": (4, 4)}, "image_shape must be"),
        ({"condition_dropout": 0.1}, "condition_dropout drops conditions"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PixelCNNPlusPlus(**{"image_shape": (4, 4, 3), "filters": 4, **arguments})
