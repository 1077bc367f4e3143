"""PyramidPixelCNN against the contract of all models, and what is its own."""

import inspect
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models.pyramid.coarse_context import CoarseContext
from keras_pixelcnn.models.pyramid.parts import Interleave
from keras_pixelcnn.pretrained.fine_tuning import changed
from tests import test_case
from tests.models.conformance import CASES, MIXTURE, OPTIONAL, ModelConformance
from tests.models.pyramid import reference
from tests.test_case import all_images, random_images, randomize

CAPTIONS = {"vocabulary": ["a", "red", "square", "circle"], "caption_length": 3}


class TestPyramidPixelCNN(ModelConformance):
    """Coarse pixels first, each stage with a context of all before it."""

    cases = types.MappingProxyType(
        {
            "grey": ((5, 3, 1), 5, {"num_stages": 3}),
            "RGB mixture, conditions": (
                *CASES["RGB mixture, conditions"][:2],
                {**MIXTURE, **OPTIONAL, **CAPTIONS},
            ),
            "green first, conditions": (
                (3, 2, 3),
                5,
                {"num_stages": 3, "first_channel": 1, **OPTIONAL},
            ),
        }
    )
    # Single pixels, rows and columns, and images that outreach all kernels.
    odd_cases = (
        ((1, 1, 1), 2, {"num_stages": 1}),
        ((1, 9, 2), 5, {"num_stages": 3, "num_blocks": (1, 2, 1)}),
        ((7, 1, 1), 5, {"filters": (4, 8)}),
        ((9, 12, 1), 5, {"num_blocks": 1, "context_blocks": 0}),
        ((1, 4, 2), 5, {"num_stages": 2, "first_channel": 0}),
    )

    epochs = 16

    def make_model(self, image_shape, num_levels, **arguments):
        channels = image_shape[-1]
        # A wide head: ReLUs that are all shut would hide what a test looks for.
        sizes = {"filters": 6 * channels, "head_filters": 8 * channels}
        stages = arguments.get("num_stages", 2)
        sizes |= {"num_stages": stages, "num_blocks": (*[1] * (stages - 1), 2)}
        sizes |= {"context_blocks": 1, "first_kernel_size": 3}
        return kp.PyramidPixelCNN(image_shape, num_levels, **{**sizes, **arguments})

    def expected_dependencies(self, model):
        return reference.expected_dependencies(model)

    def reference(self, model, image):
        return reference.reference(model, image)


def new_model(image_shape, num_levels=5, **arguments):
    return TestPyramidPixelCNN().make_model(image_shape, num_levels, **arguments)


@pytest.mark.op_by_op
def test_the_coarse_image_has_a_probability_of_its_own():
    """log p(x) = log p(a) + log p(x | a): both sum to 1, over a and over the rest."""
    model = randomize(new_model((2, 2, 1), 3))
    images = all_images(model.image_shape, 3)
    nats = model.log_prob(images, reduce=False).numpy().astype("float64")[..., 0]
    coarse = nats[:, 0, 0]
    rest = nats.sum((1, 2)) - coarse
    value = images[:, 0, 0, 0]
    alone = [np.unique(coarse[value == level]) for level in range(3)]
    assert all(np.ptp(each) < 1e-6 for each in alone)  # whatever the rest is
    assert sum(np.exp(each[0]) for each in alone) == pytest.approx(1, abs=1e-5)
    for level in range(3):
        given = np.exp(rest[value == level])
        assert given.sum() == pytest.approx(1, abs=1e-5) and np.ptp(given) > 1e-3


@pytest.mark.parametrize(
    ("image_shape", "num_levels", "arguments"),
    [
        ((3, 3, 1), 2, {"num_stages": 3, "positions": True}),
        ((2, 2, 2), 2, {"num_stages": 3, "first_channel": 1}),
        ((1, 2, 3), 2, {"num_stages": 2, "first_channel": 2}),
    ],
)
@pytest.mark.op_by_op
def test_probabilities_sum_to_1_whatever_the_stages(image_shape, num_levels, arguments):
    model = randomize(new_model(image_shape, num_levels, **arguments))
    nats = model.log_prob(all_images(image_shape, num_levels)).numpy()
    assert np.exp(nats.astype("float64")).sum() == pytest.approx(1, abs=1e-5)
    assert np.ptp(nats) > 0.1


def test_stages_may_be_trained_one_after_the_other():
    """A trained first stage stays what it is, and the rest learns around it."""
    images = np.random.default_rng(0).integers(0, 5, (64, 1, 4, 1)).repeat(4, axis=1)
    first = new_model((2, 2, 1), num_stages=1, num_blocks=1)
    first.compile("adam")
    first.fit(images[:, ::2, ::2], epochs=2, verbose=0)
    model = new_model((4, 4, 1), num_stages=2)
    for layer in first.layers:
        if layer.weights:
            own = model.get_layer(layer.name)
            own.set_weights(layer.get_weights())
            own.trainable = False
    model.compile(keras.optimizers.Adam(2e-2))
    history = model.fit(images, epochs=8, verbose=0).history["bits_per_dim"]
    assert history[-1] < history[0] - 0.1
    nats = model.log_prob(images, reduce=False)[:, ::2, ::2]
    alone = first.log_prob(images[:, ::2, ::2], reduce=False)
    np.testing.assert_allclose(nats, alone, atol=1e-5)


@pytest.mark.op_by_op
def test_a_batch_as_large_as_the_images_sides_keeps_its_coarse_pixels():
    """Where a mask of three axes might be one of a batch."""
    for first_channel in (None, 1):
        model = new_model((3, 3, 3), num_stages=2, first_channel=first_channel)
        randomize(model, scale=0.2)
        coarse = model.coarse_image(random_images(model, 3))
        drawn = model.sample(seed=2, coarse=coarse).numpy()
        np.testing.assert_array_equal(model.coarse_image(drawn), coarse)


def test_samplers_agree_in_graphs():
    model = randomize(new_model((2, 3, 3), num_stages=3, first_channel=1), scale=0.2)
    expected = model.sample(3, seed=1)
    for sampler in ("ancestral", "fixed_point"):
        same = model.sample(3, seed=1, sampler=sampler) == expected
        assert np.all(same, axis=(1, 2, 3)).sum() >= 2


def test_another_first_channel_takes_no_weights():
    model = new_model((2, 3, 3), num_stages=2, first_channel=1)
    with pytest.raises(ValueError, match=r"its first_channel, 1.*first_channel=0"):
        changed(model, {"first_channel": 0}, "mine")


@pytest.mark.op_by_op
def test_colors_are_drawn_around_a_grey_image():
    arguments = {"num_stages": 3, "first_channel": 1, "num_blocks": 1}
    model = randomize(new_model((3, 4, 3), **arguments), scale=0.2)
    images = model.sample(3, seed=3)
    grey, small = model.coarse_image(images), model.coarse_image(images.numpy(), 0)
    assert grey.shape == (3, 3, 4, 1) and small.shape == (3, 2, 2, 1)
    np.testing.assert_array_equal(grey[..., 0], images[..., 1])
    np.testing.assert_array_equal(small[..., 0], images[:, ::2, ::2, 1])
    for coarse in (grey, small):
        again = model.sample(seed=3, coarse=coarse)
        assert np.all(again == images, axis=(1, 2, 3)).sum() >= 2
        others = model.sample(seed=4, coarse=coarse)
        stage = -2 if coarse is grey else 0
        np.testing.assert_array_equal(model.coarse_image(others, stage), coarse)
        assert np.any(others[..., ::2] != images[..., ::2])
    nats = model.log_prob(images, reduce=False).numpy()
    changed_colors = images.numpy().copy()
    changed_colors[..., ::2] = 4 - changed_colors[..., ::2]
    of_grey = model.log_prob(changed_colors, reduce=False).numpy()[..., 1]
    np.testing.assert_allclose(of_grey, nats[..., 1], atol=1e-6)


def test_the_order_is_that_of_the_parts():
    ((places, channels),) = new_model((3, 4, 1), num_stages=3).scan_passes
    order = places.tolist()
    assert channels == (0,)
    assert order[:4] == [[0, 0], [0, 2], [2, 0], [2, 2]]
    assert order[4:8] == [[0, 1], [0, 3], [2, 1], [2, 3]]
    assert order[8:] == [[1, column] for column in range(4)]
    assert sorted(order) == [list(place) for place in np.ndindex(3, 4)]


@pytest.mark.op_by_op
def test_one_stage_is_a_gated_pixelcnn():
    model = randomize(new_model((3, 4, 3), num_stages=1, num_blocks=2, num_classes=3))
    names = inspect.signature(kp.GatedPixelCNN).parameters
    config = {k: v for k, v in model.get_config().items() if k in names}
    gated = kp.GatedPixelCNN(**config)
    gated.set_weights(model.get_weights())
    images = random_images(model, 4)
    given = test_case.random_conditions(model, 4)
    np.testing.assert_array_equal(
        model.log_prob(images, **given), gated.log_prob(images, **given)
    )


def test_its_layers_keep_the_contract_of_layers():
    known, between = np.random.default_rng(0).random((2, 2, 3, 4, 2), "float32")
    test_case.check_layer(CoarseContext((3, 3), 4, 1), known)
    (rows,) = test_case.check_layer(Interleave(-3), known, between[:, :2])
    (columns,) = test_case.check_layer(Interleave(-2), known, between)
    np.testing.assert_array_equal(rows[:, ::2], known)
    np.testing.assert_array_equal(rows[:, 1::2], between[:, :2])
    np.testing.assert_array_equal(columns[:, :, ::2], known)
    np.testing.assert_array_equal(columns[:, :, 1::2], between)


def test_a_network_keeps_its_role_in_an_image_of_another_size():
    """Rows and columns that are not there in one take no weights of others."""
    low = new_model((2, 8, 1), num_stages=3)
    high, transfer = changed(low, {"image_shape": (8, 8, 1)}, "low")
    assert {path.split("/")[0][:12] for path in transfer.anew} == {"stage_1_rows"}
    assert not transfer.left
    kernels = {weight.path: weight for weight in low.weights}
    for weight in high.weights:
        if weight.path in kernels:
            np.testing.assert_array_equal(weight, kernels[weight.path])


@pytest.mark.parametrize("stage", [0, 1])
@pytest.mark.op_by_op
def test_what_a_seed_draws_around_its_own_coarse_image_is_the_same(stage):
    """Super-resolution is the model's own p(x | a)."""
    arguments = {"num_stages": 3, "num_classes": 3, "condition_dropout": 0.2}
    model = randomize(new_model((5, 4, 1), **arguments), scale=0.2)
    options = {"seed": 3, "label": [0, 1, 2], "guidance_scale": 2.0}
    images = model.sample(3, **options)
    coarse = model.coarse_image(images, stage)
    assert coarse.shape[1:3] == [(2, 1), (3, 2)][stage]
    again = model.sample(coarse=coarse, **options)
    assert np.all(again == images, axis=(1, 2, 3)).sum() >= 2
    others = model.sample(coarse=coarse.numpy(), **{**options, "seed": 4})
    np.testing.assert_array_equal(model.coarse_image(others, stage), coarse)
    assert np.any(others != images)


def test_many_images_are_drawn_around_one_coarse_image():
    model = randomize(new_model((4, 3, 1), num_blocks=1), scale=0.2)
    coarse = random_images(model, 1)[0, :2, :2]
    with test_case.op_by_op():
        drawn = model.sample(5, seed=1, coarse=coarse).numpy()
        of_seeds = model.sample(seed=kp.example_seeds(1, 5), coarse=coarse)
    assert (model.coarse_image(drawn) == coarse).all()
    assert len(np.unique(drawn, axis=0)) > 1
    assert np.all(of_seeds == drawn, axis=(1, 2, 3)).sum() >= 4
    in_graph = tf.function(lambda given: model.sample(5, seed=1, coarse=given))
    same = in_graph(tf.constant(coarse, tf.int32)) == drawn
    assert tf.reduce_all(same, axis=[1, 2, 3]).numpy().sum() >= 4


def test_refuses_coarse_images_of_another_size():
    model = new_model((4, 3, 1))
    with pytest.raises(ValueError, match=r"size of a stage but the last.*\(4, 3, 1\)"):
        model.sample(coarse=np.zeros((4, 3, 1), int))
    with pytest.raises(ValueError, match="one for each of the 3"):
        model.sample(3, coarse=np.zeros((2, 2, 2, 1), int))
    with pytest.raises(ValueError, match=r"must hold integers in \[0, 5\)"):
        model.sample(coarse=np.full((2, 2, 1), 5))
    with pytest.raises(ValueError, match=r"stage must be an integer from -2 to 1.*2"):
        model.coarse_image(np.zeros((1, 4, 3, 1), int), 2)
    with pytest.raises(ValueError, match=r"\(batch, height, width, 1\).*\(4, 3, 3\)"):
        model.coarse_image(np.zeros((4, 3, 3), int))


def test_defaults_are_those_of_the_gated_pixelcnn():
    ours = inspect.signature(kp.PyramidPixelCNN).parameters
    for name, argument in inspect.signature(kp.GatedPixelCNN).parameters.items():
        assert ours[name].default == argument.default, name
    model = kp.PyramidPixelCNN((9, 8, 1), filters=2, num_blocks=(3, 2, 1))
    networks = [part.network for part in model.parts]
    assert [len(each.blocks) for each in networks] == [3, 2, 2, 1, 1]
    sizes = [each.image_shape[:2] for each in networks]
    assert sizes == [(3, 2), (3, 2), (2, 4), (5, 4), (4, 8)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num_stages": 0}, "num_stages must be an integer of at least 1.*=0"),
        ({"num_stages": 4}, r"num_stages must be at most 3 for .*\(4, 4, 3\).*=4"),
        ({"num_blocks": (2, 2)}, r"num_blocks must be one for all.*each of the 3.*"),
        ({"num_blocks": (2, 2, 0)}, "num_blocks must be an integer of at least 1.*0"),
        ({"filters": (6, 6, 8)}, "^filters must be a positive multiple of 3.*=8"),
        ({"context_blocks": -1}, "context_blocks must be an integer of at least 0.*-1"),
        ({"condition_dropout": 0.1}, "condition_dropout drops conditions"),
        ({"first_channel": 3}, r"first_channel must be .*integer in \[0, 3\).*=3"),
        ({"first_channel": 1, "num_stages": 1}, "at least 2 with first_channel.*s=1"),
        (
            {"first_channel": 1, "likelihood": "logistic_mixture"},
            "first_channel needs .*categorical.*likelihood='logistic_mixture'",
        ),
        (
            {"first_channel": 1, "input_encoding": "embedding"},
            "first_channel needs .*input_encoding='embedding'",
        ),
        (
            {"first_channel": 0, "image_shape": (4, 4, 1)},
            "one of several channels.*first_channel=0",
        ),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PyramidPixelCNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})
