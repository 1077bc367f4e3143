"""`GatedPixelCNN` step by step: what its sampler drives."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.layers.gated_block import PixelState
from keras_pixelcnn.layers.masked_conv2d import GroupSteps


class _PixelState(NamedTuple):
    """The blocks' states at the pixel at hand, and the head's inputs so far."""

    blocks: tuple[PixelState, ...]
    skips: tuple[tf.Tensor, ...] = ()
    hidden: tuple[tf.Tensor, ...] = ()


class GatedPixelCNNSteps:
    """`GatedPixelCNN` as `samplers.ScanSteps`.

    What depends on the conditions alone is computed here once for the batch, and what
    a map adds once for each of its rows.

    Args:
        model: a `GatedPixelCNN`, whose weights are read once.
        conditions: its inputs beside the image, of a batch.
    """

    def __init__(self, model: Any, conditions: Mapping[str, tf.Tensor]) -> None:
        self._encoding = model.encoding
        self._dtype = model.blocks[0].compute_dtype
        self._image_shape = model.image_shape
        added = [None] * len(model.blocks)
        if model.condition_encoder is not None:
            features = model.condition_encoder(conditions, training=False)
            added = [layer.row_steps(features) for layer in model.conditionings]
        blocks = zip(model.blocks, added, strict=True)
        self._rows = [block.row_steps(conditioning) for block, conditioning in blocks]
        self._pixels = [block.pixel_steps() for block in model.blocks]
        self._skip = GroupSteps([block.skip for block in model.blocks])
        self._head = model.head.group_steps()
        self._parameters = model.parameters.group_steps()

    def start_image(self, batch_size: tf.Tensor) -> Any:
        """The row above the image, encoded, and the caches of the vertical stack."""
        _, width, channels = self._image_shape
        caches = [block.initial_cache(batch_size, width) for block in self._rows]
        newest = tf.zeros([batch_size, width, channels], caches[0].dtype)
        return newest, tuple(caches)

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> Any:
        """Runs the vertical stack over as many of the rows as later ones see.

        Each block takes a window of rows that ends with the last row skipped. Sizes are
        static, so that XLA compiles it; rows above the image are zeros.
        """
        sizes = self._window_sizes()
        window = sizes[0] + self._rows[0].height
        image = tf.pad(self._encode(images), [[0, 0], [window, 0], [0, 0], [0, 0]])
        image = tf.gather(image, num_rows + tf.range(window), axis=1)
        rows, newest, caches = image[:, :-1], image[:, -1], []
        for block, size in zip(self._rows, sizes, strict=True):
            kept = _last_rows(rows, block.height - 1)
            if block.height == 1:  # the block before then gave no rows
                kept = block.initial_cache(tf.shape(images)[0], images.shape[2])
            caches.append(kept)
            rows = _last_rows(rows, size + block.height - 1)
            first_row = num_rows - size
            rows = block.rows(first_row, rows) if size else rows[:, :0]
            inside = first_row + tf.range(size) >= 0
            inside = tf.cast(inside, rows.dtype)[:, tf.newaxis, tf.newaxis]
            rows *= inside
        return newest, tuple(caches)

    def _window_sizes(self) -> list[int]:
        """How many rows each block must give, for the caches of those after it."""
        sizes = [0]
        for block in reversed(self._rows[1:]):
            sizes.append(sizes[-1] + block.height - 1)
        # What lies above as many rows as the image has is above the image.
        return [min(size, self._image_shape[0]) for size in reversed(sizes)]

    def row(self, index: tf.Tensor, cache: Any) -> tuple[tuple[tf.Tensor, ...], Any]:
        """Runs the vertical stack; gives its links to the horizontal one."""
        newest, caches = cache
        vertical, links, new_caches = newest, [], []
        for block, block_cache in zip(self._rows, caches, strict=True):
            vertical, link, block_cache = block(index, vertical, block_cache)
            links.append(link)
            new_caches.append(block_cache)
        return tuple(links), (newest, tuple(new_caches))

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """Makes the row the newest above the next."""
        return self._encode(row), cache[1]

    def start_row(self, batch_size: tf.Tensor) -> tuple[Any, ...]:
        """The caches of the horizontal stack."""
        return tuple(block.initial_cache(batch_size) for block in self._pixels)

    def pixel(
        self, features: tuple[tf.Tensor, ...], column: tf.Tensor, cache: tuple[Any, ...]
    ) -> _PixelState:
        """Enters a pixel."""
        blocks = zip(features, cache, strict=True)
        return _PixelState(
            tuple(PixelState(link[column], left) for link, left in blocks)
        )

    def channel(
        self, value: tf.Tensor | None, state: _PixelState
    ) -> tuple[tf.Tensor, _PixelState]:
        """Runs the horizontal stack and the head for the next channel."""
        features = None if value is None else self._encode(value[:, tf.newaxis])
        blocks = []
        for block, block_state in zip(self._pixels, state.blocks, strict=True):
            features, block_state = block.group(features, block_state)
            blocks.append(block_state)
        skip = self._skip(*(block_state.gated for block_state in blocks))
        skips = (*state.skips, tf.nn.relu(skip))
        hidden = (*state.hidden, tf.nn.relu(self._head(skips)))
        return self._parameters(hidden), _PixelState(tuple(blocks), skips, hidden)

    def finish_pixel(self, value: tf.Tensor, state: _PixelState) -> tuple[Any, ...]:
        """Shifts the caches of the horizontal stack by one pixel."""
        last = self._encode(value[:, tf.newaxis])
        inputs = [last, *[None] * (len(self._pixels) - 1)]
        steps = zip(self._pixels, inputs, state.blocks, strict=True)
        return tuple(block.finish(last, pixel) for block, last, pixel in steps)

    def _encode(self, values: tf.Tensor) -> tf.Tensor:
        return tf.cast(self._encoding(values), self._dtype)


def _last_rows(rows: tf.Tensor, count: int) -> tf.Tensor:
    """The last rows of (batch, n, width, features), zeros above where n is less."""
    missing = max(count - rows.shape[1], 0)
    rows = tf.pad(rows, [[0, 0], [missing, 0], [0, 0], [0, 0]])
    return rows[:, rows.shape[1] - count :]
