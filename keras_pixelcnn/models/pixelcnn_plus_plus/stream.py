"""One stream of `PixelCNNPlusPlus` at one resolution, over a row or at one pixel."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_pixelcnn.layers.gated_residual_block import (
    GatedResidualBlockSteps,
    concat_elu,
    gated_linear,
)
from keras_pixelcnn.layers.shifted_conv2d import ShiftedConvSteps
from keras_pixelcnn.models.pixelcnn_plus_plus.network import Resolution


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
        """Of each convolution."""
        return [convolution.filters for convolution in self.convolutions]


class StreamWalk:
    """Runs these layers once, and keeps what the next row or pixel needs of it.

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
        """Runs them on what the entry takes, or at the image's resolution gives."""
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
        self.block_outputs.append(inputs + gated_linear(outputs))
        return self.block_outputs[-1]

    def _convolve(
        self, place: int, convolution: ShiftedConvSteps, features: tf.Tensor
    ) -> tf.Tensor:
        inputs = concat_elu(features)
        self.kept.append(inputs)
        return self._links[place] + self._run(place, convolution, inputs)
