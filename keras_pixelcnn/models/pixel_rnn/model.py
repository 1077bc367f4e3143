"""PixelRNN: the recurrent models of "Pixel Recurrent Neural Networks"."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.layers.pixel_rnn_block import CELLS
from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.network_model import NetworkModel, complete_filters
from keras_pixelcnn.models.base.request_validation import check_positive
from keras_pixelcnn.models.pixel_rnn.network import PixelRNNNetwork
from keras_pixelcnn.models.pixel_rnn.sampling_steps import PixelRNNSteps


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelRNN(NetworkModel):
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
        input_encoding: how pixel values go into the network: "intensity", as numbers in
            their order from -1 to 1, or "embedding", each as a learned vector: for
            values without an order, such as the codes of a VQ-VAE. The latter needs
            likelihood="categorical", which takes the values as they are. Default
            "intensity".
        input_embedding_dim: length of these vectors, for each channel. Default 64.
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

    network_class = PixelRNNNetwork
    steps_class = PixelRNNSteps

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
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(
            image_shape,
            num_levels,
            likelihood,
            {
                "filters": filters,
                "num_layers": num_layers,
                "cell": cell,
                "kernel_size": kernel_size,
                "first_kernel_size": first_kernel_size,
                "head_filters": head_filters,
            },
            input_encoding=input_encoding,
            input_embedding_dim=input_embedding_dim,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        network = self._network
        self.encoding = network.encoding
        self.first_convolution = network.first_convolution
        self.blocks = network.blocks
        self.heads = network.heads
        self.parameters = network.parameters

    @classmethod
    def complete_arguments(
        cls, arguments: Mapping[str, Any], likelihood: PixelLikelihood
    ) -> dict[str, Any]:
        """The network's arguments, checked; see `NetworkModel`."""
        _check_cell(arguments["cell"], arguments["kernel_size"])
        check_positive("num_layers", arguments["num_layers"])
        return complete_filters(arguments, likelihood)

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


def _check_cell(cell: str, kernel_size: int | None) -> None:
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {CELLS}. Received: cell={cell!r}")
    if cell != "row_lstm" and kernel_size is not None:
        raise ValueError(
            'kernel_size belongs to cell="row_lstm" alone. Leave it out. '
            f"Received: kernel_size={kernel_size!r} with cell={cell!r}"
        )
