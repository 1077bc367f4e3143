"""The two streams of `PixelCNNPlusPlus` at one resolution.

Their layers, and one of the streams over a row or at one pixel.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.layers.conditioning import GateConditioning
from keras_pixelcnn.layers.gated_residual_block import (
    GatedResidualBlock,
    GatedResidualBlockSteps,
    concat_elu,
)
from keras_pixelcnn.layers.shifted_conv2d import ShiftedConv2D, ShiftedConvSteps
from keras_pixelcnn.layers.shifted_conv2d_transpose import ShiftedConv2DTranspose

STREAMS = {"above": "down", "left": "down_right"}
"""Each stream by what it sees, with the direction of its convolutions: the rows above;
and these with what lies left of the pixel."""


class Streams(NamedTuple):
    """A pair, one for each stream: layers, or features (batch, h, w, filters)."""

    above: Any
    left: Any


class Resolution:
    """The layers at one resolution, for both streams.

    Args:
        index: 0 for the image's own resolution, 1 for half of it, and so on.
        size: (height, width) at this resolution.
        num_before: number of blocks on the way to lower resolutions.
        num_after: number of blocks on the way back.
        conditioned: whether there are conditions.
        filters: features of each stream.
        dropout_rate: share of the features dropped in each block in training.
        gradient_checkpointing: whether blocks compute their insides twice in training.
        dtype: dtype policy of the layers.

    Attributes:
        blocks: those on the way down as "before", those on the way back as "after".
        conditionings: the same of what adds the conditions to each.
    """

    def __init__(
        self,
        index: int,
        size: tuple[int, int],
        num_before: int,
        num_after: int,
        *,
        conditioned: bool,
        filters: int,
        dropout_rate: float,
        gradient_checkpointing: bool,
        dtype: Any,
    ) -> None:
        self.index = index
        self.size = size
        self.blocks: dict[str, list[Streams]] = {}
        self.conditionings: dict[str, list[Streams]] = {}
        for way, count in (("before", num_before), ("after", num_after)):
            names = [f"{way}_{index}_{block}" for block in range(count)]
            self.blocks[way] = [
                _for_each_stream(
                    GatedResidualBlock,
                    name,
                    filters,
                    dropout_rate,
                    gradient_checkpointing,
                    dtype=dtype,
                )
                for name in names
            ]
            self.conditionings[way] = [
                Streams(
                    *(
                        GateConditioning(
                            2 * filters,
                            defers_maps=gradient_checkpointing,
                            dtype=dtype,
                            name=f"{name}_{stream}_conditions",
                        )
                        for stream in STREAMS
                    )
                )
                if conditioned
                else Streams(None, None)
                for name in names
            ]
        self.downsampling: Streams | None = None
        self.upsampling: Streams | None = None

    def add_lower(self, filters: int, dtype: Any) -> tuple[int, int]:
        """Adds the layers to the next resolution and back; returns its size."""
        names = (f"downsampling_{self.index}", f"upsampling_{self.index}")
        self.downsampling = _for_each_stream(
            ShiftedConv2D, names[0], filters, strides=2, dtype=dtype
        )
        self.upsampling = _for_each_stream(
            ShiftedConv2DTranspose, names[1], filters, size=self.size, dtype=dtype
        )
        height, width = self.size
        return -(-height // 2), -(-width // 2)

    def features(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Subsamples the conditions' features to this resolution.

        Args:
            features: what a `ConditionEncoder` returns.
        """
        step = 2**self.index
        return {
            name: value[:, ::step, ::step] if name == "spatial" else value
            for name, value in features.items()
        }

    def run_blocks(
        self,
        way: str,
        streams: Streams,
        features: Mapping[str, Any],
        shortcuts: Sequence[Streams] = (),
    ) -> list[Streams]:
        """Runs the blocks before the lower resolutions, or those after, symbolically.

        Args:
            way: "before" or "after".
            streams: what both streams enter with.
            features: the conditions' features here, {} without conditions.
            shortcuts: for each block what an earlier layer gives. Default: nothing.

        Returns:
            What both streams have after each block.
        """
        outputs = []
        pairs = zip(self.blocks[way], self.conditionings[way], strict=True)
        for index, (blocks, conditionings) in enumerate(pairs):
            added = Streams(None, None)
            if features:
                added = Streams(*(layer(features) for layer in conditionings))
            shortcut = shortcuts[index] if shortcuts else Streams(None, None)
            above = blocks.above(streams.above, shortcut.above, added.above)
            seen = above
            if shortcuts:
                seen = keras.ops.concatenate([above, shortcut.left], axis=-1)
            left = blocks.left(streams.left, seen, added.left)
            streams = Streams(above, left)
            outputs.append(streams)
        return outputs


def _for_each_stream(kind: Any, name: str, filters: int, *args: Any, **kw: Any) -> Any:
    layers = (
        kind(filters, direction, *args, name=f"{name}_{stream}", **kw)
        for stream, direction in STREAMS.items()
    )
    return Streams(*layers)


def with_ones(image: Any) -> Any:
    """Adds a feature to encoded images that is 1, and 0 in the padding."""
    ones = keras.ops.ones_like(image[..., :1])
    return keras.ops.concatenate([image, ones], axis=-1)


class StreamSteps:
    """The layers of one stream at one resolution, weights as they stand now.

    Args:
        resolution: the layers of both streams there.
        higher: those at the resolution above, None for the image's own.
        stream: "above" or "left".

    Attributes:
        entry: the convolution of stride 2 that leads here; None at the image's own
            resolution.
        blocks: the blocks, those on the way down first.
        convolutions: the entry, if there is one, and two for each block.
        places: for each block the index of its first convolution.
        upsampling: what leads back from the resolution below, None at the lowest.
        kept_features: sizes of what is kept for the next row, or pixel: the inputs of
            the blocks' convolutions and of the entry of the resolution below.
    """

    def __init__(
        self, resolution: Resolution, higher: Resolution | None, stream: str
    ) -> None:
        self.num_before = len(resolution.blocks["before"])
        self.blocks: list[GatedResidualBlockSteps] = [
            getattr(both, stream).steps()
            for way in ("before", "after")
            for both in resolution.blocks[way]
        ]
        self.entry = self.upsampling = None
        self.convolutions: list[ShiftedConvSteps] = []
        if higher is not None:
            self.entry = getattr(higher.downsampling, stream).steps()
            self.convolutions.append(self.entry)
        self.places: list[int] = []
        self.kept_features: list[int] = []
        for block in self.blocks:
            self.places.append(len(self.convolutions))
            both = [block.first_conv, block.second_conv]
            self.convolutions += both
            self.kept_features += [convolution.features for convolution in both]
        if resolution.upsampling is not None:
            self.upsampling = getattr(resolution.upsampling, stream).steps()
            self.kept_features.append(self.blocks[0].filters)

    @property
    def filters(self) -> list[int]:
        """Number of filters of each convolution."""
        return [convolution.filters for convolution in self.convolutions]


class StreamWalk:
    """Runs `StreamSteps` once, and keeps what the next row or pixel needs of it.

    Args:
        steps: the layers.
        links: for each convolution, what is added to what its own row or pixel gives.
        run: runs a convolution: takes its index, itself and its inputs.
        run_lower: what comes back from the resolution below, given what would enter
            that: for a lower resolution that runs, or where it does not.

    Attributes:
        kept: what is kept so far; see `StreamSteps.kept_features`.
        block_outputs: what the blocks gave so far.
    """

    def __init__(
        self,
        steps: StreamSteps,
        links: Sequence[tf.Tensor],
        run: Callable[[int, ShiftedConvSteps, tf.Tensor], tf.Tensor],
        run_lower: Callable[[tf.Tensor], tf.Tensor],
    ) -> None:
        self._steps, self._links = steps, links
        self._run, self._run_lower = run, run_lower
        self.kept: list[tf.Tensor] = []
        self.block_outputs: list[tf.Tensor] = []

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the layers on the features that enter this resolution."""
        steps = self._steps
        if steps.entry is not None:
            inputs = self._links[0] + self._run(0, steps.entry, inputs)
        shortcuts, entering = [inputs], None
        for index in range(steps.num_before):
            shortcuts.append(self._block(index, shortcuts[-1]))
        if steps.upsampling is None:
            outputs = shortcuts.pop()
        else:
            entering = shortcuts[-1]
            outputs = self._run_lower(entering)
        for index in range(steps.num_before, len(steps.blocks)):
            outputs = self._block(index, outputs, shortcuts.pop())
        if entering is not None:
            self.kept.append(entering)
        return outputs

    def _block(
        self, index: int, inputs: tf.Tensor, shortcut: tf.Tensor | None = None
    ) -> tf.Tensor:
        block, place = self._steps.blocks[index], self._steps.places[index]
        outputs = self._convolve(place, block.first_conv, inputs)
        if shortcut is not None:
            outputs += block.shortcut(shortcut, part=-1)
        outputs = self._convolve(place + 1, block.second_conv, outputs)
        self.block_outputs.append(inputs + keras.ops.glu(outputs))
        return self.block_outputs[-1]

    def _convolve(
        self, place: int, convolution: ShiftedConvSteps, features: tf.Tensor
    ) -> tf.Tensor:
        inputs = concat_elu(features)
        self.kept.append(inputs)
        return self._links[place] + self._run(place, convolution, inputs)
