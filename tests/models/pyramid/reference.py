"""A pyramid by NumPy, and what each of its pixels sees, counted by hand."""

import numpy as np

from tests import test_case
from tests.models import masked_reference


def expected_dependencies(model):
    """What `kp.dependencies` must find: booleans (*image_shape, *image_shape)."""
    expected = np.zeros((*model.image_shape, *model.image_shape), bool)
    places = np.stack(np.indices(model.image_shape[:2]), axis=-1)
    for part in model.parts:
        own = part.place.pixels.of(places)
        drawn = _channels(model, part.place.pixels)
        reach = (len(part.network.blocks) - 1) * (model.kernel_size // 2)
        seen = test_case.expected_dependencies(
            part.network.image_shape, model.first_kernel_size // 2 + reach
        )
        coarser = part.place.between and part.place.between.of(places)
        for i, j in np.ndindex(own.shape[:2]):
            depends = expected[*own[i, j]]
            for place in np.ndindex(own.shape[:2]):
                for k, channel in enumerate(drawn):
                    depends[channel, *own[place]][drawn] = seen[i, j, k, *place]
            if coarser is not None:
                # The gates of these places have the map: the pixel's row, and above it.
                around = 1 + 2 * model.context_blocks
                top, left = max(i - reach, 0), max(j - reach, 0)
                bottom, right = i, min(j + reach, own.shape[1] - 1)
                rows = slice(max(top - around, 0), bottom + around + 1)
                columns = slice(max(left - around, 0), right + around + 1)
                for place in coarser[rows, columns].reshape(-1, 2):
                    given = _channels(model, part.place.between)
                    depends[np.ix_(drawn, [place[0]], [place[1]], given)] = True
    return expected


def reference(model, image):
    """The parameters of encoded images, (batch, height, width, n)."""
    shape = model.pixel_likelihood.pixel_shape
    by_channel = len(shape) > 1
    outputs = np.zeros((*image.shape[:3], *(shape if by_channel else [1, *shape])))
    for part in model.parts:
        added = None
        if part.context is not None:
            coarser = part.place.between.values_of(image)
            features = _context(part.context, np.asarray(coarser))
            added = [
                features @ conditioning.projections["coarse"].kernel.numpy()
                for conditioning in part.network.conditionings
            ]
        drawn = _channels(model, part.place.pixels) if by_channel else [0]
        own = masked_reference.gated_network(
            part.network,
            np.asarray(part.place.pixels.values_of(image)),
            len(drawn),
            added,
        )
        (row, rows), (column, columns) = (
            part.place.pixels.rows,
            part.place.pixels.columns,
        )
        own = own.reshape(*own.shape[:3], len(drawn), -1)
        outputs[:, row::rows, column::columns][..., drawn, :] = own
    return outputs.reshape(*image.shape[:3], -1)


def _channels(model, lattice):
    return list(lattice.channels or range(model.image_shape[-1]))


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
