"""DiagonalBiLSTM: a recurrent layer whose time steps are the diagonals of the image."""

import functools
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers import color_groups as groups
from keras_pixelcnn.layers import lstm


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class DiagonalBiLSTM(keras.layers.Layer):
    """LSTM cells that run along the image's diagonals, from both upper corners.

    From the left: the state of a pixel goes on from those of its left and its upper
    neighbour, and so holds all that lies to the left above it. From the right: from its
    right and its upper neighbour. That map would hold what comes after the pixel in its
    own row; moved down by one row it holds what lies to the right above, and the two
    are added. A 1 x 1 convolution with mask B is the input-to-state part.

    Row r of the map is moved right by r, so that a diagonal is a column: both
    directions then take one step a column, with one product for a whole diagonal.

    Args:
        filters: number of hidden features, a multiple of `color_groups`.
        color_groups: number of colour channels whose order is kept. Default 1.

    Call arguments:
        inputs: float tensor (batch, height, width, features), features a multiple of
            `color_groups`, that show nothing of what comes after their pixel.
        training: whether it is training, which changes nothing.

    Returns:
        Sums of hidden states, float tensor (batch, height, width, filters).

    Raises:
        ValueError: when the groups do not divide features.

    References:
        van den Oord et al. 2016, arXiv 1601.06759, section 3.2 and equation 3.
    """

    def __init__(self, filters: int, color_groups: int = 1, **kwargs: Any) -> None:
        groups.check_divisible(filters, color_groups, "filters")
        super().__init__(**kwargs)
        self.input_spec = keras.InputSpec(ndim=4)
        self.filters = filters
        self.color_groups = color_groups

    def build(self, input_shape: Shape) -> None:
        """Creates the kernels and the bias of the gates of both directions."""
        features, num_gates = input_shape[-1], lstm.NUM_GATES * self.filters
        groups.check_divisible(features, self.color_groups, "input features")
        self.input_kernels, self.state_kernels, self.biases = [], [], []
        for side in ("left", "right"):
            self.input_kernels.append(
                self.add_weight(
                    name=f"input_kernel_from_{side}",
                    shape=(features, num_gates),
                    initializer="glorot_uniform",
                )
            )
            self.state_kernels.append(
                self.add_weight(
                    name=f"state_kernel_from_{side}",
                    shape=(2, self.filters, num_gates),  # above, beside
                    initializer="orthogonal",
                )
            )
            self.biases.append(
                self.add_weight(
                    name=f"bias_from_{side}",
                    shape=(num_gates,),
                    initializer=lstm.initial_bias,
                )
            )
        self.mask = lstm.gates_mask(features, self.filters, self.color_groups)
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs all diagonals, one after the other."""
        del training  # products have fast gradients
        # Mirrored, the direction from the right is one from the left.
        sides = [inputs, tf.reverse(inputs, axis=[2])]
        gates = [self._input_to_state(index, side) for index, side in enumerate(sides)]
        kernels = [tf.cast(kernel, inputs.dtype) for kernel in self.state_kernels]
        steps = [functools.partial(_step, kernel) for kernel in kernels]
        left, right = (
            unskew(tf.transpose(hidden, [2, 1, 0, 3]), inputs.shape[2])
            for (hidden,) in lstm.scan_cells(steps, gates)
        )
        right = tf.reverse(right, axis=[2])
        # The map from the right holds what comes next in its own row: one row further
        # down, all of that is past.
        return left + tf.pad(right[:, :-1], [[0, 0], [1, 0], [0, 0], [0, 0]])

    def _input_to_state(self, index: int, inputs: tf.Tensor) -> tf.Tensor:
        """Computes the input-to-state part of a direction's gates, by diagonals.

        Returns:
            Float tensor (height + width - 1, height, batch, 4 x filters): zeros where a
            diagonal leaves the image.
        """
        kernel = tf.cast(self.input_kernels[index], inputs.dtype)
        if self.color_groups > 1:
            kernel *= tf.cast(self.mask, inputs.dtype)
        bias = tf.cast(self.biases[index], inputs.dtype)
        kernel = tf.concat([kernel, bias[tf.newaxis]], axis=0)
        # A feature of ones: so the bias stays inside of the image.
        padding = [[0, 0], [0, 0], [0, 0], [0, 1]]
        inputs = skew(tf.pad(inputs, padding, constant_values=1))
        diagonals = tf.transpose(inputs, [2, 1, 0, 3])
        gates = tf.matmul(tf.reshape(diagonals, [-1, kernel.shape[0]]), kernel)
        return tf.reshape(gates, [*diagonals.shape[:2], -1, kernel.shape[1]])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape with `filters` features."""
        return (*input_shape[:-1], self.filters)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts the multiply-adds of one image, every open weight at every pixel."""
        _, height, width, _ = input_shape
        open_weights = int(np.count_nonzero(self.mask))
        states = sum(math.prod(kernel.shape) for kernel in self.state_kernels)
        return height * width * (len(self.input_kernels) * open_weights + states)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "color_groups": self.color_groups,
        }


def _step(
    kernel: tf.Tensor, gates: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Steps to the next diagonal; all but the kernel are (height, batch, features).

    In the diagonal before, a pixel's neighbour beside it stands in the same row, the
    neighbour above it one row up.
    """
    taps, features, num_gates = kernel.shape
    above = tf.pad(hidden[:-1], [[1, 0], [0, 0], [0, 0]])
    both = tf.reshape(tf.concat([above, hidden], axis=-1), [-1, taps * features])
    products = tf.matmul(both, tf.reshape(kernel, [-1, num_gates]))
    return lstm.lstm_update(gates + tf.reshape(products, tf.shape(gates)), cell)


def skew(values: tf.Tensor) -> tf.Tensor:
    """Moves row r right by r pixels, so that diagonals become columns.

    Args:
        values: tensor (batch, height, width, ...); height and width are known.

    Returns:
        Tensor (batch, height, height + width - 1, ...), zeros where there is no pixel:
        cells whose gates are zero there stay at zero until a row begins.
    """
    _, height, width, *rest = values.shape
    # Rows that are longer by `height`, read as rows longer by one less.
    padded = tf.pad(values, [[0, 0], [0, 0], [0, height], *[[0, 0]] * len(rest)])
    flat = tf.reshape(padded, [-1, height * (width + height), *rest])[:, :-height]
    return tf.reshape(flat, [-1, height, width + height - 1, *rest])


def unskew(values: tf.Tensor, width: int) -> tf.Tensor:
    """Takes back what `skew` did, and the pixels that it added.

    Args:
        values: tensor (batch, height, height + width - 1, ...).
        width: of the image.

    Returns:
        Tensor (batch, height, width, ...).
    """
    _, height, length, *rest = values.shape
    flat = tf.reshape(values, [-1, height * length, *rest])
    padded = tf.pad(flat, [[0, 0], [0, height], *[[0, 0]] * len(rest)])
    return tf.reshape(padded, [-1, height, length + 1, *rest])[:, :, :width]
