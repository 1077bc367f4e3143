"""The gates of an LSTM, and a loop over its steps, for the recurrent layers.

The four gates of a cell are, in this order, output, forget, input and content (van den
Oord et al. 2016, arXiv 1601.06759, equation 3). Features of gates stand gate by gate,
and within each gate colour group by colour group.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import sizes_of
from keras_pixelcnn.layers import color_groups as groups

NUM_GATES = 4


def lstm_update(gates: tf.Tensor, cell: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one step of LSTM cells.

    Args:
        gates: float tensor (..., 4 x features), before sigmoid and tanh.
        cell: the state of the cells before, (..., features).

    Returns:
        The hidden state and the cell state, both (..., features). Where gates and
        state are zero, so are both.
    """
    features = gates.shape[-1] // NUM_GATES
    openings, content = tf.split(gates, [3 * features, features], axis=-1)
    output, forget, write = tf.split(tf.sigmoid(openings), 3, axis=-1)
    cell = forget * cell + write * tf.tanh(content)
    return output * tf.tanh(cell), cell


Step = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Maps (what the gates get at one time, hidden state, cell state) to the next states.
"""


def scan_cells(
    steps: Sequence[Step], inputs: Sequence[tf.Tensor], keep_cells: bool = False
) -> list[list[tf.Tensor]]:
    """Runs LSTM cells over time, from states of zeros; several kinds side by side.

    Args:
        steps: for each kind of cells what it does at one time.
        inputs: for each what its gates get from outside, (times, ..., 4 x features);
            the number of times is known, and the same for all.
        keep_cells: whether the cell states are returned, too. Default False.

    Returns:
        For each kind a list of the hidden states of all times, (times, ..., features),
        and with `keep_cells` the cell states.
    """
    times, zeros, arrays = inputs[0].shape[0], [], []
    for gates in inputs:
        zero = tf.zeros_like(gates[0, ..., : gates.shape[-1] // NUM_GATES])
        zeros.append((zero, zero))
        kept = [
            tf.TensorArray(zero.dtype, times, element_shape=zero.shape)
            for _ in range(1 + keep_cells)
        ]
        arrays.append(kept)
    given = [tf.TensorArray(gates.dtype, times).unstack(gates) for gates in inputs]

    def body(time: tf.Tensor, states: Any, arrays: Any) -> tuple[tf.Tensor, Any, Any]:
        states = [
            step(gates.read(time), *state)
            for step, gates, state in zip(steps, given, states, strict=True)
        ]
        arrays = [
            [array.write(time, values) for array, values in zip(*pair, strict=False)]
            for pair in zip(arrays, states, strict=True)
        ]
        return time + 1, states, arrays

    *_, arrays = tf.while_loop(
        lambda time, *_: time < times,
        body,
        (0, zeros, arrays),
        maximum_iterations=times,  # XLA has no gradient of a loop without a bound
    )
    return [[array.stack() for array in kept] for kept in arrays]


def initial_bias(shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
    """Ones for the forget gates, so that cells keep what they hold; zeros else.

    Args:
        shape: (..., 4 x features).
        dtype: of the result. Default: float32.

    References:
        Jozefowicz et al. 2015, "An Empirical Exploration of Recurrent Network
        Architectures", section 2.2.
    """
    forget = tf.one_hot(1, NUM_GATES, dtype=dtype or "float32")
    return tf.broadcast_to(tf.repeat(forget, shape[-1] // NUM_GATES), shape)


def gates_mask(input_features: int, features: int, color_groups: int) -> np.ndarray:
    """Makes the mask of the input features that each gate sees at its own pixel.

    Args:
        input_features: number of input features, a multiple of `color_groups`.
        features: number of cells, a multiple of `color_groups`.
        color_groups: number of groups.

    Returns:
        A float32 array of zeros and ones, (input_features, 4 x features).
    """
    mask = groups.color_group_mask(input_features, features, color_groups, "B")
    return np.tile(mask, NUM_GATES)


def gates_of_group(values: tf.Tensor, group: int, color_groups: int) -> tf.Tensor:
    """Selects all gates of a colour group: (..., n) to (..., n / groups)."""
    if color_groups == 1:
        return values
    leading, width = values.shape[:-1], values.shape[-1] // NUM_GATES // color_groups
    by_group = tf.reshape(values, [*leading, NUM_GATES, color_groups, width])
    return tf.reshape(by_group[..., group, :], [*leading, NUM_GATES * width])


def gates_by_group(row: tf.Tensor, color_groups: int) -> tf.Tensor:
    """Splits a row of gates into colour groups, for steps that take one at a time.

    Args:
        row: (slices, width, examples, 4 x features).
        color_groups: into how many groups the features are dealt out.

    Returns:
        (slices, width, groups, examples, 4 x features / groups); with one group the
        row.
    """
    if color_groups == 1:
        return row
    *position, _ = sizes_of(row)
    width = row.shape[-1] // NUM_GATES // color_groups
    gates = tf.reshape(row, [*position, NUM_GATES, color_groups, width])
    gates = tf.transpose(gates, [0, 1, 4, 2, 3, 5])
    shape = [*position[:2], color_groups, position[2], NUM_GATES * width]
    return tf.reshape(gates, shape)
