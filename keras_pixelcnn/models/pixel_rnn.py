"""PixelRNN: the recurrent models of "Pixel Recurrent Neural Networks"."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.layers.color_groups import check_divisible
from keras_pixelcnn.layers.pixel_rnn_block import CELLS
from keras_pixelcnn.models.arguments import check_image_shape, check_positive
from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.pixel_rnn_network import PixelRNNNetwork
from keras_pixelcnn.models.pixel_rnn_steps import PixelRNNSteps
from keras_pixelcnn.samplers import ChannelSteps, ScanSteps


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
        num_layers: number of LSTM layers. Default 12.
        cell: "row_lstm" or "diagonal_bilstm". Default "row_lstm".
        kernel_size: odd kernel along the row of the Row LSTM's two convolutions; the
            other cell has none. Default 3.
        first_kernel_size: odd kernel of the first convolution, at least 3. Default 7.
        head_filters: features of the two layers before the last, a multiple of the
            channels. Default: twice the filters.
        likelihood: "categorical" or "logistic_mixture"; with the latter no number of
            features needs to be a multiple of the channels.
        dtype: dtype policy, such as "mixed_bfloat16"; the likelihood stays float32.
            Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = PixelRNN((28, 28, 1), filters=16, num_layers=7)
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
        num_layers: int = 12,
        cell: str = "row_lstm",
        kernel_size: int | None = None,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: str | Mapping[str, Any] = "categorical",
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        pixel_likelihood = likelihoods.get(likelihood, num_levels, image_shape[-1])
        groups = pixel_likelihood.color_groups
        _check_cell(cell, kernel_size)
        check_positive("num_layers", num_layers)
        if filters is None:
            filters = max(128 // groups, 1) * groups
        check_divisible(filters, groups, "filters")
        if head_filters is not None:
            check_divisible(head_filters, groups, "head_filters")

        network = PixelRNNNetwork(
            image_shape,
            pixel_likelihood,
            filters=filters,
            num_layers=num_layers,
            cell=cell,
            kernel_size=3 if kernel_size is None else kernel_size,
            first_kernel_size=first_kernel_size,
            head_filters=2 * filters if head_filters is None else head_filters,
            dtype=dtype,
        )
        inputs = {"image": keras.Input(image_shape, dtype="int32", name="image")}
        super().__init__(
            inputs=inputs,
            outputs=network(inputs),
            image_shape=image_shape,
            likelihood=pixel_likelihood,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.filters = filters
        self.num_layers = num_layers
        self.cell = cell
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.head_filters = head_filters
        self.encoding = network.encoding
        self.first_convolution = network.first_convolution
        self.blocks = network.blocks
        self.heads = network.heads
        self.parameters = network.parameters
        self._network = network

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

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """The model step by step, with the weights as they stand now.

        Args:
            conditions: none: the model takes no others.

        Raises:
            NotImplementedError: with `cell="diagonal_bilstm"`.
        """
        if not self.has_scan_steps:
            raise NotImplementedError(self.why_no_scan_steps)
        steps = PixelRNNSteps(self)
        if not self.pixel_likelihood.channels_at_once:
            return steps
        return ChannelSteps(steps, self.pixel_likelihood.channel_parameters)

    def multiply_adds(self) -> int:
        """Multiply-adds of one image that the masks leave open; see `flops`.

        Of diagonals only what lies inside of the image counts.
        """
        return self._network.multiply_adds(self.input)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "image_shape": self.image_shape,
            "num_levels": self.num_levels,
            "filters": self.filters,
            "num_layers": self.num_layers,
            "cell": self.cell,
            "kernel_size": self.kernel_size,
            "first_kernel_size": self.first_kernel_size,
            "head_filters": self.head_filters,
            "likelihood": self.likelihood,
        }


def _check_cell(cell: str, kernel_size: int | None) -> None:
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {CELLS}. Received: cell={cell!r}")
    if cell != "row_lstm" and kernel_size is not None:
        raise ValueError(
            'kernel_size belongs to cell="row_lstm" alone. Leave it out. '
            f"Received: kernel_size={kernel_size!r} with cell={cell!r}"
        )
