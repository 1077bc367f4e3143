"""`PixelRNN` of Row LSTM step by step, as samplers run it."""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_pixelcnn.checks import sizes_of
from keras_pixelcnn.layers.pixel_rnn_block import PixelRNNPixelState, States
from keras_pixelcnn.layers.stack_conv2d import (
    LeftPixels,
    as_rows,
    by_group,
    rows_before,
)
from keras_pixelcnn.models.pixelcnn.sampling_steps import PixelState, ResidualSteps

if TYPE_CHECKING:
    from keras_pixelcnn.models.pixel_rnn.model import PixelRNN


class PixelRNNSteps(ResidualSteps):
    """`PixelRNN` of Row LSTM as `samplers.ScanSteps`.

    A row step takes the products with the states of the row above, a pixel step the
    rest. A row that is complete is computed a second time, all its pixels at once: the
    row below needs all its states, and of known pixels the scan does not visit all.

    With one group of features for several channels these are the steps that
    `samplers.ChannelSteps` takes.

    Args:
        model: whose weights are read once.
    """

    def __init__(self, model: "PixelRNN") -> None:
        super().__init__(model)
        self._rows = [block.row_steps() for block in model.blocks]

    def start_image(self, num_slices: tf.Tensor, batch_size: tf.Tensor) -> Any:
        """Returns the rows of pixels and of states above the image: zeros."""
        sizes = (num_slices, self._image_shape[1], batch_size)
        states = tuple(steps.initial_states(*sizes) for steps in self._rows)
        return self._first_row.initial_cache(*sizes), states

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> Any:
        """Runs the whole network, and keeps the last of the rows skipped."""
        num_slices, batch_size, *_ = sizes_of(images)

        def last_rows(values: tf.Tensor, count: int) -> tuple[tf.Tensor, ...]:
            rows = rows_before(values, num_rows, count)
            return as_rows(rows, num_slices, batch_size)

        images = tf.reshape(images, [num_slices * batch_size, *self._image_shape])
        images = self._encoding(images)
        outputs = self._model.first_convolution(images, training=False)
        states = []
        for block in self._model.blocks:
            hidden, cell = block.recurrence.states(outputs)
            states.append(States(*last_rows(hidden, 1), *last_rows(cell, 1)))
            outputs += block.upsampling(hidden)
        return last_rows(images, self._first_row.num_rows), tuple(states)

    def row(self, index: tf.Tensor, cache: Any) -> tuple[Any, Any]:
        """Computes what the rows above add to the first layer and to each block."""
        images, states = cache
        first = self._first_row.above(images)
        blocks = list(zip(self._rows, states, strict=True))
        above = [block.above(block_states) for block, block_states in blocks]
        pairs = zip(self._rows, above, strict=True)
        by_pixel = tuple(block.for_pixels(part) for block, part in pairs)
        features = (by_group(first, self._color_groups), by_pixel)
        return features, (images, first, tuple(above))

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """Computes the row as a whole, for the one below it."""
        images, first, above = cache
        row = self._encoding(row)
        outputs = first + self._first_row.along(row)
        new_states = []
        for block, part in zip(self._rows, above, strict=True):
            states = block.states(outputs, part)
            outputs = block.outputs(outputs, states)
            new_states.append(states)
        return (*images[1:], row), tuple(new_states)

    def pixel(self, features: Any, column: tf.Tensor, cache: LeftPixels) -> PixelState:
        """Enters a pixel."""
        here = tf.nest.map_structure(
            lambda part: self._by_group(part[column]), features
        )
        first, blocks = here
        _, *lefts = cache.of_each(len(blocks) + 1)
        states = [
            PixelRNNPixelState(above.gates, above.cell, left)
            for above, left in zip(blocks, lefts, strict=True)
        ]
        return PixelState(first, tuple(states), cache)
