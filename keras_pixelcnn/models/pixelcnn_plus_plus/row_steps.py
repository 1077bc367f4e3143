"""Both streams of `PixelCNNPlusPlus` row by row, at all resolutions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.layers.stack_conv2d import as_row
from keras_pixelcnn.models.pixelcnn_plus_plus.stream import (
    Resolution,
    Streams,
    StreamSteps,
    run_stream,
)


class StreamRows(NamedTuple):
    """The cache of a stream at one resolution, from row to row.

    All are rows (slices, width, examples, features); of lower resolutions those of the
    last row at which they ran.
    """

    kept: tuple[tf.Tensor, ...]
    """What the row below sees of this one; see `StreamSteps.kept_features`."""
    lower: tuple[tf.Tensor, ...]
    """From the resolution below, for the row after; of the lowest nothing."""
    links: tuple[tf.Tensor, ...] = ()
    """For the left stream, what is added to its convolutions, side by side."""


class RowSteps:
    """Runs a stream over a row, at every resolution that has this row.

    Args:
        resolutions: the layers, which are read once.
        features: what a `ConditionEncoder` returns for the batch, {} where there are
            no conditions.
        dtype: what the layers compute in.

    Attributes:
        streams: for each resolution the `StreamSteps` of both streams.
    """

    def __init__(
        self,
        resolutions: Sequence[Resolution],
        features: Mapping[str, tf.Tensor],
        dtype: Any,
    ) -> None:
        self._dtype = dtype
        self._widths = [resolution.size[1] for resolution in resolutions]
        self.streams: list[Streams] = []
        self._conditionings: list[Any] = []
        higher = None
        for resolution in resolutions:
            steps = (StreamSteps(resolution, higher, name) for name in Streams._fields)
            self.streams.append(Streams(*steps))
            here = resolution.features(features)
            self._conditionings.append(
                [
                    Streams(*(layer.row_steps(here) for layer in both))
                    for both in (
                        *resolution.conditionings["before"],
                        *resolution.conditionings["after"],
                    )
                ]
                if features
                else None
            )
            higher = resolution

    def start_image(
        self, num_slices: tf.Tensor, batch_size: tf.Tensor
    ) -> tuple[Streams, ...]:
        """Zeros above the image: for each resolution the `StreamRows` of both."""
        resolutions = []
        for width, streams in zip(self._widths, self.streams, strict=True):

            def zeros(features: int, width: int = width) -> tf.Tensor:
                shape = [num_slices, width, batch_size, features]
                return tf.zeros(shape, self._dtype)

            above, left = (
                StreamRows(
                    tuple(map(zeros, steps.kept_features)),
                    ()
                    if steps.upsampling is None
                    else (zeros(steps.blocks[0].filters),),
                )
                for steps in streams
            )
            left = left._replace(links=(zeros(sum(streams.left.filters)),))
            resolutions.append(Streams(above, left))
        return tuple(resolutions)

    def __call__(
        self,
        name: str,
        index: tf.Tensor,
        inputs: tf.Tensor,
        resolutions: tuple[Streams, ...],
        higher: Streams | None = None,
    ) -> tuple[tf.Tensor, tuple[Streams, ...]]:
        """Runs a stream over a row.

        Args:
            name: of the stream: "above", which leaves the links of the left stream for
                the same row, or "left".
            index: of the row, at the image's resolution.
            inputs: the row that enters, (slices, width, examples, filters).
            resolutions: what is kept, of all resolutions.
            higher: for lower resolutions, which are then the first of `resolutions`,
                what is kept at the one above.

        Returns:
            The row that leaves, and what is kept for the next.
        """
        level = len(self.streams) - len(resolutions)
        here, *below = resolutions
        steps: StreamSteps = getattr(self.streams[level], name)
        kept: StreamRows = getattr(here, name)
        if name == "left":
            links = tf.split(kept.links[0], steps.filters, axis=-1)
        else:
            links = self._links("above", level, index, here, higher)
        after: list[Any] = [kept.lower, ()]

        def run_lower(entering: tf.Tensor) -> tf.Tensor:
            def run() -> Any:
                outputs, kept_below = self(name, index, entering, tuple(below), here)
                return *steps.upsampling.row(outputs), kept_below

            def keep() -> Any:
                return *kept.lower, *kept.lower, tuple(below)

            upper, lower, kept_below = tf.cond(runs_at(index, level + 1), run, keep)
            after[:] = (lower,), kept_below
            return upper

        done = run_stream(
            steps, inputs, links, lambda _, layer, row: layer.row(row), run_lower
        )
        lower, kept_below = after
        kept = kept._replace(kept=tuple(done.kept), lower=lower)
        now = here._replace(**{name: kept})
        if name == "above":
            links = self._links("left", level, index, here, higher, done.of_blocks)
            links = (tf.concat(links, axis=-1),)
            now = now._replace(left=now.left._replace(links=links))
        return done.outputs, (now, *kept_below)

    def _links(
        self,
        name: str,
        level: int,
        index: tf.Tensor,
        here: Streams,
        higher: Streams | None,
        above: Sequence[tf.Tensor] | None = None,
    ) -> list[tf.Tensor]:
        """Computes what is added to each convolution of a stream, beside its own row.

        Args:
            name: of the stream.
            level: index of the resolution.
            index: of the row, at the image's resolution.
            here: what is kept of the row above.
            higher: the same at the resolution above.
            above: for the left stream, what the blocks of the other gave.
        """
        steps: StreamSteps = getattr(self.streams[level], name)
        rows = list(getattr(here, name).kept)
        if higher is not None:
            rows.insert(0, getattr(higher, name).kept[-1])
        # Of what is kept the last may be for the resolution below.
        pairs = zip(steps.convolutions, rows, strict=False)
        links = [convolution.above(row) for convolution, row in pairs]
        slices, _, examples = tf.unstack(tf.shape(rows[-1])[:3])
        for i, (block, place) in enumerate(
            zip(steps.blocks, steps.places, strict=True)
        ):
            if above is not None:
                links[place] += block.shortcut(above[i], part=0)
            if self._conditionings[level] is not None:
                conditioning = getattr(self._conditionings[level][i], name)
                added = conditioning(index // 2**level, 1)
                links[place + 1] += as_row(added, slices, examples)
        return links


def runs_at(index: tf.Tensor, level: int) -> tf.Tensor:
    """Tells whether a row, or column, of the image is one at a lower resolution too."""
    return tf.equal(index % 2**level, 0)
