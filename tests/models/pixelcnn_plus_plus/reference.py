"""The network of PixelCNN++ once more, tap by tap, from the weights of a model.

For features, and for the sets of pixels that they have seen.
"""

import numpy as np

from tests.models import dependency_sets, masked_reference


def run_network(model, image, convolve, double, block, join):
    """The parameters' features of an image, out of these functions on layers."""
    above = convolve(model.first_above, image, -2, -1)
    left = join(
        convolve(model.first_left.above, image, -1, -1),
        convolve(model.first_left.left, image, -1, -1),
    )

    def run_resolution(index, above, left):
        resolution = model.resolutions[index]
        shortcuts = [(above, left)]
        for layers in resolution.blocks["before"]:
            above = block(layers.above, above)
            left = block(layers.left, left, above)
            shortcuts.append((above, left))
        if index == len(model.resolutions) - 1:
            above, left = shortcuts.pop()
        else:
            half = [
                convolve(layer, features, -1, -1)
                for layer, features in zip(resolution.downsampling, (above, left))
            ]
            half = run_resolution(index + 1, *half)
            above, left = map(double, resolution.upsampling, half)
        for layers in resolution.blocks["after"]:
            given_above, given_left = shortcuts.pop()
            above = block(layers.above, above, given_above)
            left = block(layers.left, left, above, given_left)
        assert not shortcuts
        return above, left

    return run_resolution(0, above, left)[1]


def expected_dependencies(model):
    """Every pixel that a way through the network leads from."""
    height, width, _ = model.image_shape
    pixels = np.eye(height * width, dtype=bool).reshape(height, width, -1)

    def convolve(layer, seen, row, column):
        rows, columns = layer.kernel_size
        size = [-(-n // layer.strides) for n in seen.shape[:2]]
        found = np.zeros((*size, seen.shape[2]), bool)
        for i, j, a, b in np.ndindex(*size, rows, columns):
            y, x = layer.strides * i + row + a, layer.strides * j + column + b
            if 0 <= y < seen.shape[0] and 0 <= x < seen.shape[1]:
                found[i, j] |= seen[y, x]
        return found

    def double(layer, seen):
        found = np.zeros((*layer.size, seen.shape[2]), bool)
        for i, j in np.ndindex(*layer.size):
            found[i, j] = seen[i // 2, j // 2]
            right = (j + 1) // 2
            if layer.direction == "down" and right < seen.shape[1]:
                found[i, j] |= seen[i // 2, right]
        return found

    def block(layer, seen, *shortcuts):
        hidden = convolve(layer.first_conv, seen, -1, -1)
        for shortcut in shortcuts:
            hidden |= shortcut
        return seen | convolve(layer.second_conv, hidden, -1, -1)

    seen = run_network(model, pixels, convolve, double, block, np.logical_or)
    return dependency_sets.of_channels(model.image_shape, 1, seen)


def reference(model, image):
    """The parameters of an encoded image."""

    def convolve(layer, features, row, column):
        outputs = masked_reference.convolve(features, layer.kernel.numpy(), row, column)
        if layer.bias is not None:
            outputs = outputs + layer.bias.numpy()
        return outputs[:, :: layer.strides, :: layer.strides]

    def double(layer, features):
        height, width = layer.size
        kernel, features = layer.kernel.numpy(), np.asarray(features)
        outputs = np.zeros((len(features), 2 * height, 2 * width + 8, layer.filters))
        for a, b in np.ndindex(*kernel.shape[:2]):
            start = b - (layer.direction == "down") + 2
            stop = start + 2 * features.shape[2]
            rows = slice(a, a + 2 * features.shape[1], 2)
            outputs[:, rows, start:stop:2] += features @ kernel[a, b].T
        return outputs[:, :height, 2 : 2 + width] + layer.bias.numpy()

    def elu(features):
        return np.where(features > 0, features, np.expm1(np.minimum(features, 0)))

    def concat_elu(features):
        return elu(np.concatenate([features, -features], axis=-1))

    def block(layer, features, *shortcuts):
        hidden = convolve(layer.first_conv, concat_elu(features), -1, -1)
        if shortcuts:
            kernel = layer.shortcut_conv.kernel.numpy()[0, 0]
            hidden = hidden + concat_elu(np.concatenate(shortcuts, -1)) @ kernel
        hidden = convolve(layer.second_conv, concat_elu(hidden), -1, -1)
        content, opening = np.split(hidden, 2, axis=-1)
        return features + content / (1 + np.exp(-opening))

    image = np.concatenate([image, np.ones_like(image[..., :1])], axis=-1)
    features = run_network(model, image, convolve, double, block, np.add)
    layer = model.parameters
    outputs = elu(features) @ layer.kernel.numpy()[0, 0] + layer.bias.numpy()
    return outputs
