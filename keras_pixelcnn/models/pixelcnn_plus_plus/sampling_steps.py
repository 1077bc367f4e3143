"""`PixelCNNPlusPlus` step by step, as samplers run it.

The stream that sees the rows above runs once a row, a lower resolution at every second
(fourth, ...) row only. The other stream runs pixel by pixel, a lower resolution at
every second (fourth, ...) pixel of such rows; in between, what the transposed
convolutions gave then is at hand. When the row is drawn, that stream runs once more
over the whole row, in parallel, for what the rows below see of it: about a fifth of the
arithmetic is done twice, in its cheapest form.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.checks import sizes_of
from keras_pixelcnn.models.pixelcnn_plus_plus.row_steps import RowSteps, runs_at
from keras_pixelcnn.models.pixelcnn_plus_plus.stream import (
    Streams,
    run_stream,
    with_ones,
)

if TYPE_CHECKING:
    from keras_pixelcnn.models.pixelcnn_plus_plus.model import PixelCNNPlusPlus


class _RowCache(NamedTuple):
    """The cache above the row at hand; rows are (slices, width, examples, ...)."""

    index: tf.Tensor
    """The row's index, int32 ()."""
    image: tuple[tf.Tensor, tf.Tensor]
    """The two rows above, encoded, the newest last."""
    first_link: tf.Tensor
    """What they give to the left stream's first features."""
    resolutions: tuple[Streams, ...]
    """For each resolution the `StreamRows` of both streams."""


class _RowFeatures(NamedTuple):
    """The features that a row gives to its pixels."""

    first_link: tf.Tensor
    links: tuple[tf.Tensor, ...]
    """For each resolution, what is added to its convolutions, side by side."""
    lower: tuple[tf.Tensor, ...]
    """For each resolution but the lowest, what that below has for its odd rows."""
    runs: tuple[tf.Tensor, ...]
    """For each resolution, whether it runs in this row: booleans (slices,)."""


class _PixelCache(NamedTuple):
    """The cache left of the pixel at hand."""

    image: tf.Tensor
    """The pixel to the left, encoded, (examples, features + 1)."""
    kept: tuple[tf.Tensor, ...]
    """For each resolution, what is seen of the pixel to the left, side by side; see
    `StreamSteps.kept_features`."""
    right: tuple[tf.Tensor, ...]
    """For each resolution but the lowest, what that below has for its odd columns."""


class PixelCNNPlusPlusSteps:
    """`PixelCNNPlusPlus` as `samplers.ScanSteps`.

    For several channels these are the steps that `samplers.ChannelSteps` takes.

    Args:
        model: whose weights are read once.
        conditions: its inputs beside the image, of a batch.
    """

    def __init__(
        self, model: "PixelCNNPlusPlus", conditions: Mapping[str, tf.Tensor]
    ) -> None:
        self._image_shape = model.image_shape
        self._dtype = model.first_above.compute_dtype
        self._encoding = model.encoding.steps(self._dtype)
        self._filters = model.first_above.filters
        self._first_above = model.first_above.steps()
        self._first_left = Streams(*(layer.steps() for layer in model.first_left))
        self._parameters = model.parameters.group_steps()
        features = {}
        if model.condition_encoder is not None:
            features = model.condition_encoder(conditions, training=False)
        self._rows = RowSteps(model.resolutions, features, self._dtype)
        self._left = [streams.left for streams in self._rows.streams]

    # Rows.

    def start_image(self, num_slices: tf.Tensor, batch_size: tf.Tensor) -> _RowCache:
        """Zeros above the image."""
        shape = [num_slices, self._image_shape[1], batch_size]
        return _RowCache(
            tf.constant(0),
            (tf.zeros([*shape, self._encoding.features + 1], self._dtype),) * 2,
            tf.zeros([*shape, self._filters], self._dtype),
            self._rows.start_image(num_slices, batch_size),
        )

    def skip_rows(self, images: tf.Tensor, num_rows: tf.Tensor) -> _RowCache:
        """Runs over these rows one by one, each in parallel."""
        num_slices, batch_size, *_ = sizes_of(images)
        rows = tf.transpose(images, [2, 0, 3, 1, 4])

        def skip(index: tf.Tensor, cache: _RowCache) -> tuple[tf.Tensor, _RowCache]:
            _, cache = self.row(index, cache)
            return index + 1, self.finish_row(rows[index], cache)

        _, cache = tf.while_loop(
            lambda index, _: index < num_rows,
            skip,
            (0, self.start_image(num_slices, batch_size)),
            maximum_iterations=self._image_shape[0],
        )
        return cache

    def row(self, index: tf.Tensor, cache: _RowCache) -> tuple[_RowFeatures, _RowCache]:
        """Runs the stream of the rows above, and what both give to the other stream."""
        index = tf.convert_to_tensor(index)
        before, newest = cache.image
        inputs = self._first_above.above(before) + self._first_above.row(newest)
        _, resolutions = self._rows("above", index, inputs, cache.resolutions)
        above, left = self._first_left
        first_link = above.above(before) + above.row(newest) + left.above(newest)
        num_slices = tf.shape(newest)[:1]
        features = _RowFeatures(
            first_link,
            tuple(rows.left.links[0] for rows in resolutions),
            tuple(rows.left.lower[0] for rows in resolutions[:-1]),
            tuple(
                tf.fill(num_slices, runs_at(index, level))
                for level in range(len(resolutions))
            ),
        )
        return features, _RowCache(index, cache.image, first_link, resolutions)

    def finish_row(self, row: tf.Tensor, cache: _RowCache) -> _RowCache:
        """Runs the left stream over the row, for the rows below."""
        newest = self._encode(row)
        inputs = cache.first_link + self._first_left.left.row(newest)
        _, resolutions = self._rows("left", cache.index, inputs, cache.resolutions)
        image = (cache.image[1], newest)
        return cache._replace(image=image, resolutions=resolutions)

    # Pixels.

    def start_row(self, batch_size: tf.Tensor) -> _PixelCache:
        """Zeros left of the image."""

        def zeros(features: int) -> tf.Tensor:
            return tf.zeros([batch_size, features], self._dtype)

        return _PixelCache(
            zeros(self._encoding.features + 1),
            tuple(zeros(sum(steps.kept_features)) for steps in self._left),
            tuple(zeros(self._filters) for _ in self._left[1:]),
        )

    def pixel(
        self, features: _RowFeatures, column: tf.Tensor, cache: _PixelCache
    ) -> tuple[tf.Tensor, _PixelCache]:
        """Runs the left stream; the state is the parameters and the cache after."""
        column = tf.convert_to_tensor(column)
        inputs = self._first_left.left.pixel(cache.image, None)
        inputs += features.first_link[column]
        outputs, kept, right = self._run_pixel(
            features, column, inputs, cache.kept, cache.right
        )
        parameters = self._parameters((tf.nn.elu(outputs),))
        return parameters, _PixelCache(cache.image, kept, right)

    def channel(
        self, value: tf.Tensor | None, state: tuple[tf.Tensor, _PixelCache]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, _PixelCache]]:
        """Returns the parameters of the pixel, or of its only channel."""
        return state[0], state

    def finish_pixel(
        self, value: tf.Tensor, state: tuple[tf.Tensor, _PixelCache]
    ) -> _PixelCache:
        """Makes the pixel the one to the left of the next."""
        if value.shape.rank == 1:
            value = value[:, tf.newaxis]
        return state[1]._replace(image=self._encode(value))

    def _run_pixel(
        self,
        features: _RowFeatures,
        column: tf.Tensor,
        inputs: tf.Tensor,
        kept: tuple[tf.Tensor, ...],
        right: tuple[tf.Tensor, ...],
        entry_left: tuple[tf.Tensor, ...] = (),
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
        """Runs the left stream at a pixel.

        Args:
            features: what the row gives.
            column: of the pixel, at the image's resolution.
            inputs: what enters, (examples, filters).
            kept: as in `_PixelCache`, of this resolution and those below.
            right: the same.
            entry_left: for lower resolutions, what entered at the pixel to the left.

        Returns:
            What leaves, and `kept` and `right` for the next pixel.
        """
        level = len(self._left) - len(kept)
        steps, here = self._left[level], column // 2**level
        links = tf.split(features.links[level][here], steps.filters, axis=-1)
        lefts = tf.split(kept[0], steps.kept_features, axis=-1)
        lefts, lower_left = (*entry_left, *lefts), tuple(lefts[-1:])
        after: list[Any] = [(), ()]

        def run_lower(entering: tf.Tensor) -> tf.Tensor:
            def run() -> Any:
                outputs, *rest = self._run_pixel(
                    features, column, entering, kept[1:], right[1:], lower_left
                )
                outputs, next_right = steps.upsampling.pixel(outputs)
                return outputs, next_right, *rest

            def keep() -> Any:
                lower = features.lower[level][here]
                ready = tf.where(features.runs[level + 1], right[0], lower)
                return ready, right[0], kept[1:], right[1:]

            runs = features.runs[level + 1] & runs_at(column, level + 1)
            outputs, next_right, kept_below, right_below = tf.cond(runs, run, keep)
            after[:] = kept_below, (next_right, *right_below)
            return outputs

        done = run_stream(
            steps,
            inputs,
            links,
            lambda i, layer, own: layer.pixel(lefts[i], own),
            run_lower,
        )
        kept_below, right = after
        kept_here = tf.concat(done.kept, axis=-1)
        return done.outputs, (kept_here, *kept_below), right

    def _encode(self, values: tf.Tensor) -> tf.Tensor:
        return with_ones(self._encoding(values))
