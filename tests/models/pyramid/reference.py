"""A pyramid by NumPy, and what each of its pixels sees, counted by hand."""

import numpy as np

from tests import test_case
from tests.models import masked_reference


def expected_dependencies(model):
    """What `kp.dependencies` must find: booleans (*image_shape, *image_shape)."""
    expected = np.zeros((*model.image_shape, *model.image_shape), bool)
    places = np.stack(np.indices(model.image_shape[:2]), axis=-1)
    for part in model.parts:
        own = part.pixels.of(places)
        reach = (len(part.network.blocks) - 1) * (model.kernel_size // 2)
        seen = test_case.expected_dependencies(
            part.network.image_shape, model.first_kernel_size // 2 + reach
        )
        coarser = part.between and part.between.of(places)
        for i, j in np.ndindex(own.shape[:2]):
            depends = expected[*own[i, j]]
            for place in np.ndindex(own.shape[:2]):
                depends[:, *own[place]] = seen[i, j][:, *place]
            if coarser is not None:
                # The gates of these places have the map: the pixel's row, and above it.
                around = 1 + 2 * model.context_blocks
                top, left = max(i - reach, 0), max(j - reach, 0)
                bottom, right = i, min(j + reach, own.shape[1] - 1)
                rows = slice(max(top - around, 0), bottom + around + 1)
                columns = slice(max(left - around, 0), right + around + 1)
                for place in coarser[rows, columns].reshape(-1, 2):
                    depends[:, *place] = True
    return expected


def reference(model, image):
    """The parameters of encoded images, (batch, height, width, n)."""
    outputs = None
    for part in model.parts:
        added = None
        if part.context is not None:
            features = _context(part.context, part.between.of(image))
            added = [
                features @ conditioning.projections["coarse"].kernel.numpy()
                for conditioning in part.network.conditionings
            ]
        groups = model.pixel_likelihood.color_groups
        own = masked_reference.gated_network(
            part.network, part.pixels.of(image), groups, added
        )
        if outputs is None:
            outputs = np.zeros((*image.shape[:3], own.shape[-1]))
        part.pixels.of(outputs)[:] = own
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
    height, width = layer.map_size
    return np.maximum(features[:, :height, :width], 0)
