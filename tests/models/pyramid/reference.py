"""A pyramid by NumPy, and what each of its pixels sees, counted by hand."""

import numpy as np

from tests import test_case
from tests.models import masked_reference


def expected_dependencies(model):
    """What `kp.dependencies` must find: booleans (*image_shape, *image_shape)."""
    expected = np.zeros((*model.image_shape, *model.image_shape), bool)
    for index, stage in reversed(list(enumerate(model.stages))):
        rows = columns = slice(None, None, stage.stride)
        expected[rows, columns] = False
        expected[rows, columns, :, rows, columns] = _seen_in(model, index)
    return expected


def _seen_in(model, index):
    """What the pixels of a stage see of its own image."""
    network = model.stages[index].network
    height, width, _ = network.image_shape
    reach = (len(network.blocks) - 1) * (model.kernel_size // 2)
    seen = test_case.expected_dependencies(
        network.image_shape, model.first_kernel_size // 2 + reach
    )
    if index == 0:
        return seen
    around = 1 + 2 * model.context_blocks
    for row, column in np.ndindex(height, width):
        # The gates of these places have the map: the pixel's row, and those above it.
        rows = _coarse(max(row - reach, 0), row, around)
        last = min(column + reach, width - 1)
        columns = _coarse(max(column - reach, 0), last, around)
        seen[row, column, :, 2 * rows.start : 2 * rows.stop : 2][
            :, :, 2 * columns.start : 2 * columns.stop : 2
        ] = True
    return seen


def _coarse(first, last, around):
    """The coarse rows or columns that the map sees from a first to a last fine one.

    The transposed convolution writes coarse i to fine 2 i - 1 to 2 i + 2.
    """
    return slice(max((first - 1) // 2 - around, 0), (last + 1) // 2 + around + 1)


def reference(model, image):
    """The parameters of encoded images, (batch, height, width, n)."""
    outputs = coarse = None
    for stage in model.stages:
        part = image[:, :: stage.stride, :: stage.stride]
        added = None
        if stage.context is not None:
            features = _context(stage.context, coarse)
            added = [
                features @ conditioning.projections["coarse"].kernel.numpy()
                for conditioning in stage.network.conditionings
            ]
        groups = model.pixel_likelihood.color_groups
        fine = masked_reference.gated_network(stage.network, part, groups, added)
        if outputs is not None:
            fine[:, ::2, ::2] = outputs
        outputs, coarse = fine, part
    return outputs


def _context(layer, coarse):
    def convolve(convolution, features):
        kernel = convolution.kernel.numpy()
        return masked_reference.convolve(features, kernel, -1, -1) + convolution.bias

    first, *others = layer.convolutions
    ones = np.ones((*coarse.shape[:3], 1))
    features = convolve(first, np.concatenate([coarse, ones], axis=-1))
    for inner, outer in zip(others[::2], others[1::2], strict=True):
        between = convolve(inner, np.maximum(features, 0))
        features = features + convolve(outer, np.maximum(between, 0))
    features = np.maximum(features, 0)
    batch, height, width, filters = features.shape
    outputs = np.zeros((batch, 2 * height + 2, 2 * width + 2, filters))
    for i, j in np.ndindex(4, 4):
        kernel = layer.upsampling.kernel.numpy()[i, j].T
        outputs[:, i : i + 2 * height : 2, j : j + 2 * width : 2] += features @ kernel
    height, width = layer.image_size
    return outputs[:, 1 : 1 + height, 1 : 1 + width] + layer.upsampling.bias.numpy()
