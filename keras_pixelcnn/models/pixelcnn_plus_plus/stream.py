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


class StreamOutputs(NamedTuple):
    """The features that a stream has given at a row or a pixel."""

    outputs: tf.Tensor
    """What leaves the resolution."""
    kept: list[tf.Tensor]
    """What the next row or pixel needs; see `StreamSteps.kept_features`."""
    of_blocks: list[tf.Tensor]
    """What each block gave."""


def run_stream(
    steps: StreamSteps,
    inputs: tf.Tensor,
    links: Sequence[tf.Tensor],
    run: Callable[[int, ShiftedConvSteps, tf.Tensor], tf.Tensor],
    run_lower: Callable[[tf.Tensor], tf.Tensor],
) -> StreamOutputs:
    """Runs the layers of one stream at one resolution.

    Args:
        steps: the layers.
        inputs: the features that enter this resolution.
        links: for each convolution, what is added to what its own row or pixel gives.
        run: runs a convolution: takes its index, itself and its inputs.
        run_lower: what comes back from the resolution below, given what would enter
            that: for a lower resolution that runs, or where it does not.
    """
    kept: list[tf.Tensor] = []
    of_blocks: list[tf.Tensor] = []

    def convolve(
        place: int, convolution: ShiftedConvSteps, features: tf.Tensor
    ) -> tf.Tensor:
        kept.append(concat_elu(features))
        return links[place] + run(place, convolution, kept[-1])

    def run_block(
        index: int, inputs: tf.Tensor, shortcut: tf.Tensor | None = None
    ) -> tf.Tensor:
        block, place = steps.blocks[index], steps.places[index]
        outputs = convolve(place, block.first_conv, inputs)
        if shortcut is not None:
            outputs += block.shortcut(shortcut, part=-1)
        outputs = convolve(place + 1, block.second_conv, outputs)
        of_blocks.append(inputs + keras.ops.glu(outputs))
        return of_blocks[-1]

    if steps.entry is not None:
        inputs = links[0] + run(0, steps.entry, inputs)
    shortcuts = [inputs]
    for index in range(steps.num_before):
        shortcuts.append(run_block(index, shortcuts[-1]))
    entering = shortcuts[-1]
    outputs = shortcuts.pop() if steps.upsampling is None else run_lower(entering)
    for index in range(steps.num_before, len(steps.blocks)):
        outputs = run_block(index, outputs, shortcuts.pop())
    if steps.upsampling is not None:
        kept.append(entering)
    return StreamOutputs(outputs, kept, of_blocks)
