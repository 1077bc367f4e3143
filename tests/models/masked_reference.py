"""Masked convolutions by NumPy, whose masks are counted by hand."""

import numpy as np


def convolve(features, kernel, row, column):
    """The sum over a kernel's taps, the first of which lies at (row, column)."""
    height, width = features.shape[1:3]
    edge = sum(kernel.shape[:2])
    padded = np.pad(features, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    outputs = np.zeros((*features.shape[:3], kernel.shape[-1]))
    for i, j in np.ndindex(*kernel.shape[:2]):
        top, left = edge + row + i, edge + column + j
        outputs += padded[:, top : top + height, left : left + width] @ kernel[i, j]
    return outputs


def convolve_row(layer, features, kernel):
    """A convolution along the row, whose last tap is the pixel itself, or before it."""
    kernel, size = np.array(kernel), np.max(layer.kernel_size)
    half = size // 2
    if kernel.shape[1] > half:
        inputs, filters = kernel.shape[2:]
        for i, o in np.ndindex(inputs, filters):
            before = i * layer.color_groups // inputs
            own = o * layer.color_groups // filters
            if before > own or (before == own and layer.mask_type == "A"):
                kernel[-1, -1, i, o] = 0
    return convolve(features, kernel, 0, -half)


def masked_convolution(layer, features):
    """A `MaskedConv2D`: all rows above, and its own up to the pixel."""
    kernel = layer.kernel.numpy()
    half = kernel.shape[1] // 2
    outputs = convolve_row(layer, features, kernel[-1:, : half + 1])
    outputs += convolve(features, kernel[:-1], -half, -half)
    return outputs if layer.bias is None else outputs + layer.bias.numpy()


def gate(features, groups=1):
    """tanh x sigmoid of the two halves of each group."""
    parts = np.split(features, 2 * groups, axis=-1)
    gated = [np.tanh(a) / (1 + np.exp(-b)) for a, b in zip(parts[::2], parts[1::2])]
    return np.concatenate(gated, axis=-1)


def heads(features, layers):
    """A ReLU and a masked product for each layer."""
    for layer in layers:
        features = masked_convolution(layer, np.maximum(features, 0))
    return features


def gated_network(network, image, groups, added=None):
    """The parameters of a Gated PixelCNN's encoded image; see `GatedNetwork`.

    Args:
        network: what has its blocks, head and parameters.
        image: encoded, (batch, height, width, n).
        groups: colour groups of a pixel.
        added: to the gates of each block, (batch, height, width, n), the vertical
            stack's first. Default: nothing.
    """
    vertical = horizontal = image
    skips = 0.0
    for index, block in enumerate(network.blocks):
        half = block.kernel_size // 2
        above, along = block.vertical_conv, block.horizontal_conv
        before = convolve(vertical, above.kernel.numpy(), -half, -half)
        before += above.bias.numpy()
        left = convolve_row(along, horizontal, along.kernel) + along.bias.numpy()
        left += before @ block.link.kernel.numpy()[0, 0]
        if added is not None:
            to_each = np.split(added[index], 1 if block.skip_only else 2, axis=-1)
            left += to_each[-1]
        gated = gate(left, groups)
        skips += masked_convolution(block.skip, gated)
        if block.skip_only:
            break
        outputs = masked_convolution(block.residual, gated)
        horizontal = outputs + horizontal if index else outputs
        vertical = gate(before if added is None else before + to_each[0])
    return heads(skips, [network.head, network.parameters])
