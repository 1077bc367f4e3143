"""GatedPixelCNN against the contract of all models, and what is its own."""

import math

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests import test_case
from tests.models import masked_reference
from tests.models.conformance import CASES, ModelConformance
from tests.test_case import random_images, randomize

CAPTIONS = {
    "vocabulary": ["a", "red", "square", "circle"],
    "caption_length": 3,
    "condition_dropout": 0.2,
}
WIDE = {"kernel_size": 5, "first_kernel_size": 7}


class TestGatedPixelCNN(ModelConformance):
    """Two stacks, of which each pixel sees the whole rectangle within reach."""

    cases = CASES | {
        "RGB, captions": ((3, 2, 3), 5, CAPTIONS),
        "RGB two-sided": ((3, 4, 2), 40, {"likelihood": "two_sided_geometric", **WIDE}),
    }
    odd_cases = (
        ((1, 1, 1), 2, {}),
        ((1, 9, 2), 5, {"kernel_size": 5}),
        ((9, 1, 1), 5, {"num_blocks": 3}),
        ((5, 3, 3), 256, {"kernel_size": 7, "first_kernel_size": 7}),
        ((7, 6, 1), 5, {"kernel_size": 5, "num_blocks": 3}),
        ((4, 5, 2), 5, {"num_blocks": 1, "first_kernel_size": 7}),
        ((5, 5, 1), 5, {"kernel_size": 1, "num_blocks": 3}),
    )

    of_export = CAPTIONS
    static_graphs = True

    def make_model(self, image_shape, num_levels, **arguments):
        channels = image_shape[-1]
        # A wide head: ReLUs that are all shut would hide what a test looks for.
        sizes = {"filters": 4 * channels, "head_filters": 8 * channels}
        sizes |= {"num_blocks": 2, "first_kernel_size": 3}
        return kp.GatedPixelCNN(image_shape, num_levels, **{**sizes, **arguments})

    def expected_dependencies(self, model):
        later = (model.num_blocks - 1) * (model.kernel_size // 2)
        reach = model.first_kernel_size // 2 + later
        return test_case.expected_dependencies(model.image_shape, reach)

    def tiny_models(self):
        yield from super().tiny_models()
        model = self.random_model((1, 2, 3), 2, **CAPTIONS)
        yield model, {"caption": "a red circle"}

    def reference(self, model, image):
        groups = model.pixel_likelihood.color_groups
        return masked_reference.gated_network(model, image, groups)


def new_model(image_shape, num_levels=5, **arguments):
    return TestGatedPixelCNN().make_model(image_shape, num_levels, **arguments)


def test_dark_levels_are_told_apart():
    """A ReLU on the input in [-1, 1] would see all levels below the middle alike."""
    model = randomize(new_model((1, 2, 1), 256))
    images = np.zeros((2, 1, 2, 1), "uint8")
    images[:, 0, 0, 0] = [10, 60]
    parameters = model(images)[:, 0, 1].numpy()
    assert np.abs(parameters[0] - parameters[1]).max() > 1e-3


@pytest.mark.op_by_op
def test_counts_of_a_mixture_match_log_prob():
    """One pixel of 30 x 30 values, drawn by runs of levels."""
    identifier = {"name": "logistic_mixture", "num_mixtures": 3}
    model = new_model((1, 1, 2), 30, likelihood=identifier)
    test_case.check_sample_counts(randomize(model, scale=0.3))


def test_filters_fit_the_channels_by_default():
    assert kp.GatedPixelCNN((2, 2, 1), num_blocks=1).filters == 128
    assert kp.GatedPixelCNN((2, 2, 3), num_blocks=1).filters == 126


def test_flops_by_hand():
    """One block of type A: 1 row of 3 taps above, 1 tap to the left."""
    model = kp.GatedPixelCNN(
        (2, 3, 1), num_levels=4, filters=2, num_blocks=1, first_kernel_size=3
    )
    vertical, link, horizontal, skip, head, parameters = 3 * 4, 4 * 4, 4, 4, 4, 2 * 4
    adds = vertical + link + horizontal + skip + head + parameters
    assert model.flops() == 2 * 6 * adds


@pytest.mark.op_by_op
def test_many_levels():
    """65,535 overflows float16 when it is cast before it is scaled."""
    images = np.array([65_535, 0, 1, 40_000], "uint16").reshape(1, 2, 2, 1)
    low = new_model((2, 2, 1), 65_536, dtype="mixed_float16")
    assert np.isfinite(low.log_prob(images)).all()
    model = new_model((2, 2, 1), 65_536, num_blocks=1)
    bits = kp.bits_per_dim(model.log_prob(images), 4).numpy()
    assert bits == pytest.approx(16, abs=1)
    samples = model.sample(8, seed=1)
    assert samples.dtype == tf.int32 and samples.numpy().max() > 256
    model.compile()
    assert math.isfinite(model.fit(images, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "filters must be a positive multiple of 3.*filters=8"),
        ({"filters": 6.0}, "filters must be a positive multiple of 3.*6.0"),
        ({"head_filters": 8}, "head_filters must be a positive multiple of 3.*=8"),
        ({"kernel_size": 3.0}, "kernel_size must be an odd integer.*3.0"),
        ({"kernel_size": 4}, "kernel_size must be an odd integer.*4"),
        ({"kernel_size": True}, "kernel_size must be an odd integer.*True"),
        ({"first_kernel_size": 1}, "odd integer of at least 3"),
        ({"num_blocks": None}, "num_blocks must be an integer of at least 1.*=None"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.GatedPixelCNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})


@pytest.mark.parametrize(("gain", "least", "most"), [(1.0, 0, 1e-4), (2.2, 0.02, 2)])
def test_the_gain_nearly_keeps_the_scale_of_the_vertical_stack(gain, least, most):
    """At Glorot's own scale it fades block by block; see docs/recipes.md."""
    model = kp.GatedPixelCNN((9, 9, 1), filters=32, num_blocks=16, vertical_gain=gain)
    vertical = horizontal = model.encoding(random_images(model, 8))
    scales = []
    for block in model.blocks[:-1]:
        vertical, horizontal, _ = block(vertical, horizontal)
        scales.append(np.std(vertical))
    assert least <= scales[-1] / scales[1] <= most
