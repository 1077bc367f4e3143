"""PixelRNN: the recurrent models of "Pixel Recurrent Neural Networks"."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.checks import check_image_shape, check_integer
from keras_pixelcnn.layers import MaskedConv2D, PixelRNNBlock
from keras_pixelcnn.layers.color_groups import check_kernel_size, complete_filters
from keras_pixelcnn.layers.input_encoding import make_encoding
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.pixel_rnn.sampling_steps import PixelRNNSteps
from keras_pixelcnn.models.pixelcnn.model import MaskedHead
from keras_pixelcnn.samplers import ScanSteps, by_channel


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelRNN(AutoregressiveImageModel):
    """PixelRNN: LSTM cells that run over the image, row by row or along diagonals.

    ::

        image ── to [-1, 1] ── 7 x 7, mask A ── block ── block ── ... ── block ──┐
        parameters ── 1 x 1 ── ReLU ── 1 x 1 ── ReLU ── 1 x 1 ── ReLU ───────────┘

    A block is an LSTM of h hidden features on a map of 2h, brought back to 2h by a 1x1
    convolution and added to its input.

    * `cell="row_lstm"` runs from the top to the bottom, a whole row at a time. What a
      pixel sees above it is a triangle, not all that there is.
    * `cell="diagonal_bilstm"` runs along diagonals from both upper corners: a pixel
      sees all pixels before it, however far, with a single block. Slower, and without
      steps: `sample` runs the whole network for each channel of each pixel.

    It takes no conditions.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: h, a multiple of the channels. Default: the largest of up to 128 (128
            for grey images, 126 for RGB).
        num_blocks: number of blocks, each with an LSTM layer. Default 12.
        cell: "row_lstm" or "diagonal_bilstm". Default "row_lstm".
        kernel_size: odd kernel along the row of the Row LSTM's two convolutions; the
            other cell has none. Default 3.
        first_kernel_size: odd kernel of the first convolution, at least 3. Default 7.
        head_filters: features of the two layers before the last, a multiple of the
            channels. Default: twice the filters.
        likelihood: as for `GatedPixelCNN`; with "logistic_mixture" no number of
            features needs to be a multiple of the channels.
        input_encoding: as there.
        input_embedding_dim: as there.
        dtype: as there.
        name: the model's name.
        trainable: whether the weights are trained. Default True.
        num_layers: the former name of `num_blocks`, which files and configs of version
            0.1.0 have. Default: it is `num_blocks` that counts.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = PixelRNN((28, 28, 1), filters=16, num_blocks=7)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        van den Oord et al. 2016, arXiv 1601.06759, sections 3.1 to 3.3 and table 1.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        filters: int | None = None,
        num_blocks: int = 12,
        cell: str = "row_lstm",
        kernel_size: int | None = None,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: likelihoods.Identifier = "categorical",
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
        num_layers: int | None = None,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        if num_layers is not None:
            num_blocks = num_layers
        check_integer("num_blocks", num_blocks)
        if cell == "diagonal_bilstm" and kernel_size is not None:
            raise ValueError(
                'kernel_size belongs to cell="row_lstm" alone. Leave it out. '
                f"Received: kernel_size={kernel_size!r} with cell={cell!r}"
            )
        check_kernel_size(first_kernel_size, smallest=3)
        pixels = likelihoods.get(likelihood, num_levels, image_shape[-1])
        groups = pixels.color_groups
        filters = complete_filters(filters, head_filters, groups)

        # === Layers ===
        encoding = make_encoding(input_encoding, input_embedding_dim, pixels, dtype)
        shared = {"color_groups": groups, "dtype": dtype}
        first_convolution = MaskedConv2D(
            2 * filters, first_kernel_size, "A", name="first_convolution", **shared
        )
        blocks = [
            PixelRNNBlock(
                filters,
                cell,
                3 if kernel_size is None else kernel_size,
                name=f"block_{index}",
                **shared,
            )
            for index in range(num_blocks)
        ]
        head = MaskedHead(
            image_shape,
            pixels,
            2 * filters if head_filters is None else head_filters,
            dtype,
        )

        # === Functional model ===
        beyond = ((0, 0), (0, 1))
        spatial = {"data_format": "channels_last", "dtype": dtype}
        image = keras.Input(image_shape, dtype="int32", name="image")
        outputs = encoding(image)
        if cell == "diagonal_bilstm":
            # Cells that come from the right begin one column beyond the image, at a
            # pixel after the row's last: every feature tells of the pixels before its
            # own, so that nothing else would tell the row below of the last pixel.
            outputs = keras.layers.ZeroPadding2D(beyond, **spatial)(outputs)
        outputs = first_convolution(outputs)
        for block in blocks:
            outputs = block(outputs)
        if cell == "diagonal_bilstm":
            outputs = keras.layers.Cropping2D(beyond, **spatial)(outputs)
        super().__init__(
            inputs={"image": image},
            outputs=head(outputs),
            image_shape=image_shape,
            likelihood=pixels,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.filters = filters
        self.num_blocks = num_blocks
        self.cell = cell
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.head_filters = head_filters
        self.input_encoding = input_encoding
        self.input_embedding_dim = input_embedding_dim
        self.encoding = encoding
        self.first_convolution = first_convolution
        self.blocks = blocks
        self.heads = head.hidden
        self.parameters = head.parameters

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """Gives the model step by step; see `AutoregressiveImageModel`."""
        if not self.has_scan_steps:
            raise NotImplementedError(self.why_no_scan_steps)
        return by_channel(PixelRNNSteps(self), self.pixel_likelihood)

    @property
    def has_scan_steps(self) -> bool:
        """Whether the model can be run step by step: that of Row LSTM can."""
        return self.cell == "row_lstm"

    @property
    def why_no_scan_steps(self) -> str:
        """Why the model cannot be run step by step, where it cannot."""
        return (
            'PixelRNN with cell="diagonal_bilstm" cannot be run step by step: its '
            "states follow the diagonals, which pixels in raster order cross."
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_blocks": self.num_blocks,
            "cell": self.cell,
            "kernel_size": self.kernel_size,
            "first_kernel_size": self.first_kernel_size,
            "head_filters": self.head_filters,
            "input_encoding": self.input_encoding,
            "input_embedding_dim": self.input_embedding_dim,
        }
