"""`PixelCNN` step by step, as samplers run it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.checks import sizes_of
from keras_pixelcnn.layers.pixelcnn_block import PixelCNNPixelState
from keras_pixelcnn.layers.stack_conv2d import (
    LeftPixels,
    as_rows,
    by_group,
    rows_before,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models.pixel_rnn.model import PixelRNN
    from keras_pixelcnn.models.pixelcnn.model import PixelCNN


class PixelState(NamedTuple):
    """The network's state at the pixel at hand; all but `left` group by group."""

    first: tuple[tf.Tensor, ...]
    """What the rows above add to the first convolution."""
    blocks: tuple[Any, ...]
    """The states of the blocks."""
    left: LeftPixels
    image: tuple[tf.Tensor, ...] = ()
    """Channels of the pixel so far, encoded."""
    outputs: tuple[tuple[tf.Tensor, ...], ...] = ((), (), ())
    """For each 1x1 layer at the end its inputs so far."""


class ResidualSteps:
    """The steps that `PixelCNN` and `PixelRNN` share: all but those of their blocks.

    Args:
        model: whose weights are read once.
    """

    def __init__(self, model: "PixelCNN | PixelRNN") -> None:
        self._model = model
        self._dtype = model.blocks[0].compute_dtype
        self._encoding = model.encoding.steps(self._dtype)
        self._image_shape = model.image_shape
        self._color_groups = model.blocks[0].color_groups
        self._first_row = model.first_convolution.row_steps()
        self._first_pixel = model.first_convolution.pixel_steps()
        self._pixels = [block.pixel_steps() for block in model.blocks]
        ends = (*model.heads, model.parameters)
        self._ends = [layer.group_steps() for layer in ends]

    def _by_group(self, pixel: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Splits what a row gives to a pixel."""
        return (pixel,) if self._color_groups == 1 else tuple(tf.unstack(pixel))

    def start_row(self, batch_size: tf.Tensor) -> LeftPixels:
        """Returns the pixels left of the row's first: zeros."""
        convolutions = [self._first_pixel, *self._pixels]
        return LeftPixels.at_the_edge(convolutions, batch_size, self._dtype)

    def channel(
        self, value: tf.Tensor | None, state: PixelState
    ) -> tuple[tf.Tensor, PixelState]:
        """Runs the network for the next channel."""
        if value is not None:
            state = state._replace(image=self._pixel(value, state))
        above = state.first[len(state.image)]
        features = above + self._first_pixel(state.image, (state.left.image,))
        blocks = []
        for block, block_state in zip(self._pixels, state.blocks, strict=True):
            features, block_state = block.group(features, block_state)
            blocks.append(block_state)
        outputs = []
        for layer, seen in zip(self._ends, state.outputs, strict=True):
            outputs.append((*seen, tf.nn.relu(features)))
            features = layer(outputs[-1])
        return features, state._replace(blocks=tuple(blocks), outputs=tuple(outputs))

    def finish_pixel(self, value: tf.Tensor, state: PixelState) -> LeftPixels:
        """Shifts what lies to the left by one pixel."""
        pixel = self._pixel(value, state)
        return state.left.shifted(pixel, [block.convolved for block in state.blocks])

    def _pixel(self, value: tf.Tensor, state: PixelState) -> tuple[tf.Tensor, ...]:
        """Encodes the pixel's next channel, or all of them, and appends it."""
        return (*state.image, self._encoding.pixel(value, len(state.image)))


class PixelCNNSteps(ResidualSteps):
    """`PixelCNN` as `samplers.ScanSteps`.

    A row step gives each masked convolution what the rows above give it, and a pixel
    step the rest. A row that is complete is computed a second time, all its pixels at
    once: the convolutions of the rows below need it whole, and of known pixels the scan
    does not visit all.

    With one group of features for several channels these are the steps that
    `samplers.ChannelSteps` takes.

    Args:
        model: whose weights are read once.
        conditions: its inputs beside the image, of a batch.
    """

    _model: "PixelCNN"

    def __init__(self, model: "PixelCNN", conditions: Mapping[str, tf.Tensor]) -> None:
        super().__init__(model)
        self._features = {}
        added: list[Any] = [None] * len(model.blocks)
        if model.condition_encoder is not None:
            self._features = model.condition_encoder(conditions, training=False)
            added = [layer.row_steps(self._features) for layer in model.conditionings]
        blocks = zip(model.blocks, added, strict=True)
        self._rows = [block.row_steps(conditioning) for block, conditioning in blocks]

    def start_image(self, num_slices: tf.Tensor, batch_size: tf.Tensor) -> Any:
        """Returns the rows above that each convolution sees: zeros."""
        sizes = (num_slices, self._image_shape[1], batch_size)
        return tuple(steps.initial_cache(*sizes) for steps in self._convolutions())

    def _convolutions(self) -> list[Any]:
        return [self._first_row, *self._rows]

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> Any:
        """Runs the whole network, and keeps the last of the rows skipped."""
        num_slices, batch_size, *_ = sizes_of(images)
        images = tf.reshape(images, [num_slices * batch_size, *self._image_shape])
        caches = []
        inputs = self._inputs_of_convolutions(self._encoding(images))
        for steps, rows in zip(self._convolutions(), inputs, strict=True):
            rows = rows_before(rows, num_rows, steps.num_rows)
            caches.append(as_rows(rows, num_slices, batch_size))
        return tuple(caches)

    def _inputs_of_convolutions(self, image: tf.Tensor) -> list[tf.Tensor]:
        """Computes the inputs of each masked convolution for whole images."""
        model, inputs = self._model, [image]
        outputs = model.first_convolution(image, training=False)
        conditionings = model.conditionings or [None] * len(model.blocks)
        for block, conditioning in zip(model.blocks, conditionings, strict=True):
            inputs.append(block.reduced(outputs))
            if block is not model.blocks[-1]:
                added = conditioning and conditioning(self._features)
                outputs = block(outputs, added, training=False)
        return inputs

    def row(self, index: tf.Tensor, cache: Any) -> tuple[tuple[tf.Tensor, ...], Any]:
        """Computes what the rows above add to each convolution."""
        first, *others = cache
        blocks = zip(self._rows, others, strict=True)
        above = [self._first_row.above(first)]
        above += [block.above(index, block_cache) for block, block_cache in blocks]
        features = tuple(by_group(part, self._color_groups) for part in above)
        return features, (cache, tuple(above))

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """Computes the row as a whole, for those below it."""
        caches, (above, *others) = cache
        row = self._encoding(row)
        newest = [row]
        outputs = above + self._first_row.along(row)
        for block, above in zip(self._rows, others, strict=True):
            newest.append(block.reduced(outputs))
            if block is not self._rows[-1]:
                outputs = block.outputs(outputs, newest[-1], above)
        pairs = zip(caches, newest, strict=True)
        return tuple((*rows[1:], row) for rows, row in pairs)

    def pixel(
        self, features: tuple[tf.Tensor, ...], column: tf.Tensor, cache: LeftPixels
    ) -> PixelState:
        """Enters a pixel."""
        first, *others = [self._by_group(part[column]) for part in features]
        _, *lefts = cache.of_each(len(features))
        return PixelState(first, tuple(map(PixelCNNPixelState, others, lefts)), cache)
