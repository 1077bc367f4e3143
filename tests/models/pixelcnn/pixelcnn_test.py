"""PixelCNN against the contract of all models, and its blind spot."""

import inspect
import types

import numpy as np
import pytest

import keras_pixelcnn as kp
from tests import test_case
from tests.models import dependency_sets, masked_reference
from tests.models.conformance import CASES, ModelConformance
from tests.test_case import randomize


class TestPixelCNN(ModelConformance):
    """Masked convolutions one after the other."""

    low_precision = "mixed_float16"
    # Its head is that of GatedPixelCNN, which has the mixture of grey images, too.
    cases = types.MappingProxyType(
        {name: CASES[name] for name in CASES if name != "grey mixture"}
    )
    odd_cases = (
        ((1, 1, 1), 2, {}),
        ((1, 9, 2), 5, {"kernel_size": 5}),
        ((5, 3, 3), 256, {"first_kernel_size": 5}),
        ((4, 6, 1), 5, {"kernel_size": 5, "first_kernel_size": 7}),
    )

    def make_model(self, image_shape, num_levels, **arguments):
        channels = image_shape[-1]
        # A wide head: ReLUs that are all shut would hide what a test looks for.
        sizes = {"filters": 6 * channels, "head_filters": 12 * channels}
        sizes |= {"num_blocks": 2, "first_kernel_size": 3}
        return kp.PixelCNN(image_shape, num_levels, **{**sizes, **arguments})

    def expected_dependencies(self, model):
        """What the masks let through, layer after layer."""
        shape, groups = model.image_shape, model.pixel_likelihood.color_groups

        def seen_through(kernel_size, mask_type):
            is_open = dependency_sets.masked_convolution(kernel_size, mask_type)
            return dependency_sets.relation(shape, groups, is_open)

        pointwise = seen = seen_through(1, "B")
        for _ in range(model.num_blocks):
            # The residual adds what the way through the convolution has: itself.
            seen = seen @ seen_through(model.kernel_size, "B") @ pointwise > 0
        seen = seen @ seen_through(model.first_kernel_size, "A")
        return dependency_sets.of_channels(shape, groups, seen)

    def reference(self, model, image):
        convolve = masked_reference.masked_convolution
        features = convolve(model.first_convolution, image)
        for block in model.blocks:
            inner = features
            for layer in (block.reduction, block.convolution, block.expansion):
                inner = convolve(layer, np.maximum(inner, 0))
            features = features + inner
        return masked_reference.heads(features, [*model.heads, model.parameters])


def test_blind_spot():
    """Of each row above one pixel more to the right is seen, and as many as there are
    layers to the left; the Gated PixelCNN of the same depth sees the whole rectangle.
    """
    num_blocks, reach, shape = 2, 3, (7, 11, 1)
    row, column = 6, 5
    expected = np.zeros(shape[:2], bool)
    for above in range(min(reach, row) + 1):
        left, right = max(column - reach, 0), column + above - (above == 0)
        expected[row - above, left : right + 1] = True
    kernels = {"filters": 8, "kernel_size": 3, "first_kernel_size": 3}
    model = randomize(kp.PixelCNN(shape, 5, num_blocks=num_blocks, **kernels))
    seen = kp.dependencies(model, (row, column))[0, ..., 0]
    np.testing.assert_array_equal(seen, expected)
    gated = randomize(kp.GatedPixelCNN(shape, 5, num_blocks=num_blocks + 1, **kernels))
    others = kp.dependencies(gated, (row, column))[0, ..., 0]
    rectangle = test_case.expected_dependencies(shape, reach)[row, column, 0, ..., 0]
    np.testing.assert_array_equal(others, rectangle)
    blind = others & ~seen
    width = shape[1] - 1 - column
    rows = range(min(reach, row) + 1)
    assert blind.sum() == sum(max(min(reach, width) - above, 0) for above in rows[1:])


def test_defaults_are_those_of_the_gated_pixelcnn():
    ours = inspect.signature(kp.PixelCNN).parameters
    gated = inspect.signature(kp.GatedPixelCNN).parameters
    for name, argument in ours.items():
        assert argument.default == gated[name].default, name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "filters must be a positive multiple of 3.*filters=8"),
        ({"head_filters": 8}, "head_filters must be a positive multiple of 3.*=8"),
        ({"kernel_size": 1}, "kernel_size must be an odd integer of at least 3.*1"),
        ({"first_kernel_size": 1}, "odd integer of at least 3"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PixelCNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})
