"""`GatedPixelCNN` step by step, as samplers run it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.checks import sizes_of
from keras_pixelcnn.layers.gated_block import GatedBlockPixelSteps, GatedPixelState
from keras_pixelcnn.layers.masked_conv2d import GroupSteps
from keras_pixelcnn.layers.stack_conv2d import LeftPixels, as_rows, rows_before
from keras_pixelcnn.samplers import is_for_xla

if TYPE_CHECKING:
    from keras_pixelcnn.models.gated_pixelcnn.model import GatedNetwork, GatedPixelCNN


class _GatedPixelCNNPixel(NamedTuple):
    """The blocks, their states at the pixel at hand, and the head's inputs so far."""

    steps: tuple[GatedBlockPixelSteps, ...]
    blocks: tuple[GatedPixelState, ...]
    left: LeftPixels
    skips: tuple[tf.Tensor, ...] = ()
    hidden: tuple[tf.Tensor, ...] = ()


class GatedPixelCNNSteps:
    """`GatedPixelCNN` as `samplers.ScanSteps`.

    What depends on the conditions alone is computed here once for the batch, and what
    a map adds once for each of its rows.

    With one group of features for several channels these are the steps that
    `samplers.ChannelSteps` takes.

    Args:
        model: whose weights are read once.
        features: of the conditions of a batch, as `ConditionEncoder` gives them; of
            conditional models alone.
    """

    def __init__(
        self,
        model: "GatedPixelCNN | GatedNetwork",
        features: Mapping[str, tf.Tensor] | None,
    ) -> None:
        self._dtype = model.blocks[0].compute_dtype
        self._encoding = model.encoding.steps(self._dtype)
        self._image_shape = model.image_shape
        self._color_groups = model.blocks[0].color_groups
        added: list[Any] = [None] * len(model.blocks)
        if features is not None:
            added = [layer.row_steps(features) for layer in model.conditionings]
        blocks = zip(model.blocks, added, strict=True)
        self._rows = [block.row_steps(conditioning) for block, conditioning in blocks]
        self._pixels = [block.pixel_steps() for block in model.blocks]
        # A loop pays for each tensor that it reads from outside, at each turn; XLA's
        # pays for the parts of a tensor, which it copies.
        like_blocks = [] if is_for_xla() else self._pixels[1:-1]
        kernels = [steps.kernels for steps in like_blocks]
        self._stacked = [tf.stack(alike) for alike in zip(*kernels, strict=True)]
        self._skip = GroupSteps([block.skip for block in model.blocks])
        self._head = model.head.group_steps()
        self._parameters = model.parameters.group_steps()

    def start_image(self, num_slices: tf.Tensor, batch_size: tf.Tensor) -> Any:
        """Returns the vertical stack's empty caches, and the row above the image.

        In this order: OpenVINO moves a loop's variables on one by one, and the newest
        row must not be replaced before a cache has taken it over.
        """
        sizes = (num_slices, self._image_shape[1], batch_size)
        newest = tf.zeros([*sizes, self._encoding.features], self._dtype)
        return tuple(block.initial_cache(*sizes) for block in self._rows), newest

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> Any:
        """Runs the vertical stack over as many of the rows as later ones see.

        Each block takes a window of rows that ends with the last row skipped. Sizes are
        static, so that XLA compiles it; rows above the image are zeros.
        """
        num_slices, batch_size, *_ = sizes_of(images)
        sizes = self._window_sizes()
        window = sizes[0] + self._rows[0].height
        images = tf.reshape(images, [num_slices * batch_size, *self._image_shape])
        image = rows_before(self._encoding(images), num_rows, window)
        rows, newest, caches = image[:, :-1], image[:, -1:], []
        for block, size in zip(self._rows, sizes, strict=True):
            # Of a block that sees one row, there is none to keep.
            kept = _last_rows(rows, block.height - 1)
            caches.append(as_rows(kept, num_slices, batch_size))
            rows = _last_rows(rows, size + block.height - 1)
            first_row = num_rows - size
            rows = block.rows(first_row, rows) if size else rows[:, :0]
            inside = first_row + tf.range(size) >= 0
            inside = tf.cast(inside, rows.dtype)[:, tf.newaxis, tf.newaxis]
            rows *= inside
        (newest,) = as_rows(newest, num_slices, batch_size)
        return tuple(caches), newest

    def _window_sizes(self) -> list[int]:
        """Counts the rows that each block must give for the caches after it."""
        sizes = [0]
        for block in reversed(self._rows[1:]):
            sizes.append(sizes[-1] + block.height - 1)
        # What lies above as many rows as the image has is above the image.
        return [min(size, self._image_shape[0]) for size in reversed(sizes)]

    def row(self, index: tf.Tensor, cache: Any) -> tuple[tf.Tensor, Any]:
        """Runs the vertical stack; gives its links to the horizontal one.

        They stand in one tensor, (slices, width, blocks x groups, examples, 2 x filters
        / groups): a pixel reads it at once.
        """
        caches, newest = cache
        vertical, links, new_caches = newest, [], []
        for block, block_cache in zip(self._rows, caches, strict=True):
            vertical, link, block_cache = block(index, vertical, block_cache)
            links.append(link)
            new_caches.append(block_cache)
        join = tf.stack if self._color_groups == 1 else tf.concat
        return join(links, axis=2), (tuple(new_caches), newest)

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """Makes the row the newest above the next."""
        return cache[0], self._encoding(row)

    def start_row(self, batch_size: tf.Tensor) -> LeftPixels:
        """Returns the horizontal stack's empty caches."""
        return LeftPixels.at_the_edge(self._pixels, batch_size, self._dtype)

    def pixel(
        self, features: tf.Tensor, column: tf.Tensor, cache: LeftPixels
    ) -> _GatedPixelCNNPixel:
        """Enters a pixel."""
        # One iterator for all groups, so that each turn takes the links of a block.
        by_block = [iter(tf.unstack(features[column]))] * self._color_groups
        links = zip(*by_block, strict=True)
        lefts = cache.of_each(len(self._pixels))
        steps = [*self._pixels]
        if self._stacked:
            kernels = zip(*map(tf.unstack, self._stacked), strict=True)
            steps[1:-1] = map(GatedBlockPixelSteps.with_kernels, steps[1:-1], kernels)
        states = tuple(map(GatedPixelState, links, lefts))
        return _GatedPixelCNNPixel(tuple(steps), states, cache)

    def channel(
        self, value: tf.Tensor | None, state: _GatedPixelCNNPixel
    ) -> tuple[tf.Tensor, _GatedPixelCNNPixel]:
        """Runs the horizontal stack and the head for the next channel."""
        features = None
        if value is not None:
            features = self._encoding.pixel(value, len(state.blocks[0].inputs))
        blocks = []
        for block, block_state in zip(state.steps, state.blocks, strict=True):
            features, block_state = block.group(features, block_state)
            blocks.append(block_state)
        skip = self._skip(*(block_state.gated for block_state in blocks))
        skips = (*state.skips, tf.nn.relu(skip))
        hidden = (*state.hidden, tf.nn.relu(self._head(skips)))
        state = state._replace(blocks=tuple(blocks), skips=skips, hidden=hidden)
        return self._parameters(hidden), state

    def finish_pixel(self, value: tf.Tensor, state: _GatedPixelCNNPixel) -> LeftPixels:
        """Shifts the caches of the horizontal stack by one pixel."""
        first, *others = state.blocks
        newest = self._encoding.pixel(value, len(first.inputs))
        pixel = (*first.inputs, newest)
        return state.left.shifted(pixel, [block.inputs for block in others])


def _last_rows(rows: tf.Tensor, count: int) -> tf.Tensor:
    """Returns the last rows of (batch, n, width, features), padded with zeros."""
    missing = max(count - rows.shape[1], 0)
    rows = tf.pad(rows, [[0, 0], [missing, 0], [0, 0], [0, 0]])
    return rows[:, rows.shape[1] - count :]
