"""Which places of an image each place sees through masked layers, by counting."""

import itertools

import numpy as np


def relation(image_shape, groups, is_open):
    """Which places see which, integers 0 or 1 (places, places).

    Args:
        image_shape: (height, width, channels).
        groups: colour groups of a pixel; a place is (row, column, group).
        is_open: a function of (rows up, columns to the left, own group, other group) to
            whether the place sees the other one. Nothing beyond the edge counts.
    """
    places = list(itertools.product(*map(range, image_shape[:2]), range(groups)))
    return np.array(
        [
            [is_open(r - up, c - left, group, other) for up, left, other in places]
            for r, c, group in places
        ],
        int,
    )


def masked_convolution(kernel_size, mask_type):
    """What a `MaskedConv2D` sees, for `relation`."""
    half = kernel_size // 2

    def is_open(up, left, group, other):
        if (up, left) == (0, 0):
            return other < group or (mask_type == "B" and other == group)
        return 0 <= up <= half and abs(left) <= half and (up > 0 or left > 0)

    return is_open


def of_channels(image_shape, groups, seen):
    """From places to channels, booleans (*image_shape, *image_shape).

    Where a network has one group for all channels, each sees whole pixels, and the
    likelihood shows a channel those before it in its own pixel.
    """
    height, width, channels = image_shape
    seen = np.reshape(seen, (height, width, groups, height, width, groups)) > 0
    if groups == channels:
        return seen
    shape = (*image_shape, *image_shape)
    seen = np.broadcast_to(seen, shape).copy()
    for row, column, channel in np.ndindex(image_shape):
        seen[row, column, channel, row, column, :channel] = True
    return seen


def all_earlier(image_shape):
    """Everything that comes before, in raster order."""
    dims = np.prod(image_shape)
    return np.tril(np.ones((dims, dims), bool), -1).reshape(*image_shape, *image_shape)
