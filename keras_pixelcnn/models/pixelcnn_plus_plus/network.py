"""The layers of `PixelCNNPlusPlus` and how they are wired."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.layers.conditioning import GateConditioning
from keras_pixelcnn.layers.gated_residual_block import GatedResidualBlock
from keras_pixelcnn.layers.shifted_conv2d import ShiftedConv2D
from keras_pixelcnn.layers.shifted_conv2d_transpose import ShiftedConv2DTranspose
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.base.network import Network

STREAMS = {"above": "down", "left": "down_right"}
"""Each stream by what it sees, with the direction of its convolutions: the rows above;
and these with what lies left of the pixel."""


class Streams(NamedTuple):
    """One thing for each stream: a layer, or its features (batch, h, w, filters)."""

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
        dtype: dtype policy of the layers.
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
                    GatedResidualBlock, name, filters, dropout_rate, dtype=dtype
                )
                for name in names
            ]
            self.conditionings[way] = [
                Streams(
                    *(
                        GateConditioning(
                            2 * filters, dtype=dtype, name=f"{name}_{stream}_conditions"
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
        """Adds the layers to the next resolution and back; gives that one's size."""
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
        """The conditions' features at this resolution: of every 2nd (4th, ...) pixel.

        Args:
            features: what a `ConditionEncoder` returns.
        """
        step = 2**self.index
        return {
            name: value[:, ::step, ::step] if name == "spatial" else value
            for name, value in features.items()
        }

    def all_conditionings(self) -> list[Streams]:
        """Those of all blocks, in their order."""
        return [*self.conditionings["before"], *self.conditionings["after"]]


def _for_each_stream(kind: Any, name: str, filters: int, *args: Any, **kw: Any) -> Any:
    layers = (
        kind(filters, direction, *args, name=f"{name}_{stream}", **kw)
        for stream, direction in STREAMS.items()
    )
    return Streams(*layers)


class PixelCNNPlusPlusNetwork(Network):
    """From a model's inputs to its likelihood's parameters; see `PixelCNNPlusPlus`.

    Args:
        image_shape: (height, width, channels).
        likelihood: what the parameters mean; of one group of features.
        conditions: which conditions there are.
        encoding: the layer that encodes images.
        filters: features of each stream.
        num_blocks: blocks for each resolution, on the way down.
        num_resolutions: number of resolutions, each half of that before.
        dropout_rate: share of the features dropped in each block in training.
        dtype: dtype policy of the layers. Default: Keras's global policy.

    Raises:
        ValueError: on arguments out of their ranges.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        likelihood: PixelLikelihood,
        conditions: Conditions,
        encoding: keras.layers.Layer,
        *,
        filters: int,
        num_blocks: int,
        num_resolutions: int,
        dropout_rate: float = 0.0,
        dtype: Any = None,
    ) -> None:
        self.first_above = ShiftedConv2D(
            filters, "down", "A", dtype=dtype, name="first_above"
        )
        # What the left stream sees of the row above, and what to the left.
        self.first_left = Streams(
            ShiftedConv2D(
                filters, "down", "A", (1, 3), dtype=dtype, name="first_left_above"
            ),
            ShiftedConv2D(
                filters,
                "down_right",
                "A",
                (2, 1),
                use_bias=False,
                dtype=dtype,
                name="first_left",
            ),
        )
        self.resolutions: list[Resolution] = []
        size = image_shape[:2]
        for index in range(num_resolutions):
            is_last = index == num_resolutions - 1
            resolution = Resolution(
                index,
                size,
                num_blocks,
                num_blocks + (not is_last),
                conditioned=bool(conditions.names),
                filters=filters,
                dropout_rate=dropout_rate,
                dtype=dtype,
            )
            self.resolutions.append(resolution)
            if not is_last:
                size = resolution.add_lower(filters, dtype)
        super().__init__(
            image_shape, conditions, encoding, map_filters=filters, dtype=dtype
        )
        self.add_parameters(likelihood)

    def run(
        self,
        image: Any,
        features: Mapping[str, Any],
        training: bool | None,
        gradient_checkpointing: bool,
    ) -> Any:
        """Runs both streams through all resolutions; see `Network`."""
        image = with_ones(image)
        streams = Streams(
            self.first_above(image, training=training),
            keras.ops.add(
                self.first_left.above(image, training=training),
                self.first_left.left(image, training=training),
            ),
        )
        run_block = _run_and_recompute if gradient_checkpointing else _run_block
        streams = self._run(0, run_block, streams, features, training)
        return keras.ops.elu(streams.left)

    def _run(
        self,
        index: int,
        run_block: Callable[..., Any],
        streams: Streams,
        features: Mapping[str, Any],
        training: bool | None,
    ) -> Streams:
        """One resolution, and those below it between its blocks."""
        resolution = self.resolutions[index]
        here = resolution.features(features)

        def run(way: str, block: int, streams: Streams, *given: Streams) -> Streams:
            blocks = resolution.blocks[way][block]
            conditionings = resolution.conditionings[way][block]
            above = run_block(
                blocks.above,
                conditionings.above,
                (streams.above, *(shortcut.above for shortcut in given)),
                here,
                training,
            )
            seen = [above, *(shortcut.left for shortcut in given)]
            seen = keras.ops.concatenate(seen, axis=-1) if given else above
            left = run_block(
                blocks.left, conditionings.left, (streams.left, seen), here, training
            )
            return Streams(above, left)

        shortcuts = [streams]
        for block in range(len(resolution.blocks["before"])):
            streams = run("before", block, streams)
            shortcuts.append(streams)
        if resolution.downsampling is None:
            streams = shortcuts.pop()
        else:
            lower = [
                layer(stream, training=training)
                for layer, stream in zip(resolution.downsampling, streams, strict=True)
            ]
            lower = self._run(index + 1, run_block, Streams(*lower), features, training)
            upsampling = zip(resolution.upsampling, lower, strict=True)
            streams = Streams(*(layer(stream) for layer, stream in upsampling))
        for block in range(len(resolution.blocks["after"])):
            streams = run("after", block, streams, shortcuts.pop())
        return streams

    def middle_multiply_adds(
        self,
        image_shape: tuple[int | None, ...],
        features: Mapping[str, tuple[int | None, ...]],
    ) -> int:
        """Those of all convolutions, what no cropping leaves out; see `Network`."""
        image = (*image_shape[:-1], image_shape[-1] + 1)
        total = sum(
            layer.multiply_adds(image) for layer in (self.first_above, *self.first_left)
        )
        filters = self.first_above.filters
        for resolution in self.resolutions:
            total += _multiply_adds_at(resolution, filters, features)
        return total


def with_ones(image: Any) -> Any:
    """Encoded images (..., features) with a feature that is 1, and 0 in the padding."""
    ones = keras.ops.ones_like(image[..., :1])
    return keras.ops.concatenate([image, ones], axis=-1)


def _run_block(
    block: GatedResidualBlock,
    conditioning: GateConditioning | None,
    inputs: tuple[Any, ...],
    features: Mapping[str, Any],
    training: bool | None,
    dropout_seed: tf.Tensor | None = None,
) -> Any:
    """One block of one stream: on its inputs and, where it has one, its shortcut."""
    added = None if conditioning is None else conditioning(features)
    shortcut = inputs[1] if len(inputs) > 1 else None
    return block(
        inputs[0], shortcut, added, training=training, dropout_seed=dropout_seed
    )


def _run_and_recompute(
    block: GatedResidualBlock,
    conditioning: GateConditioning | None,
    inputs: tuple[tf.Tensor, ...],
    features: Mapping[str, tf.Tensor],
    training: bool | None,
) -> tf.Tensor:
    """The same, of which the backward pass keeps only what goes in."""
    # Drawn once: the second time must drop what the first has dropped.
    seed = block.draw_dropout_seed() if training else None

    def run(inputs: Any, features: Any) -> Any:
        # Else what needs no more than the features would be computed ahead, for all
        # blocks at once.
        with tf.control_dependencies(inputs):
            return _run_block(block, conditioning, inputs, features, training, seed)

    return keras.remat(run)(inputs, features)


def _multiply_adds_at(
    resolution: Resolution,
    filters: int,
    features: Mapping[str, tuple[int | None, ...]],
) -> int:
    shape = (None, *resolution.size, filters)
    lower = (None, *(-(-n // 2) for n in resolution.size), filters)
    blocks = [
        layer for way in resolution.blocks.values() for both in way for layer in both
    ]
    total = sum(block.multiply_adds(shape) for block in blocks)
    for layer in resolution.downsampling or ():
        total += layer.multiply_adds(shape)
    for layer in resolution.upsampling or ():
        total += layer.multiply_adds(lower)
    if features:
        shapes = {
            name: (None, *resolution.size, shape[-1]) if name == "spatial" else shape
            for name, shape in features.items()
        }
        for both in resolution.all_conditionings():
            total += sum(layer.multiply_adds(shapes) for layer in both)
    return total
