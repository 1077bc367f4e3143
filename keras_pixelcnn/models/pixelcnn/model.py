"""PixelCNN: the convolutional model of "Pixel Recurrent Neural Networks"."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.checks import check_image_shape, check_integer
from keras_pixelcnn.layers import GateConditioning, MaskedConv2D, PixelCNNBlock
from keras_pixelcnn.layers.color_groups import check_kernel_size, complete_filters
from keras_pixelcnn.layers.input_encoding import make_encoding
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.pixelcnn.sampling_steps import PixelCNNSteps
from keras_pixelcnn.samplers import ScanSteps, by_channel


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelCNN(AutoregressiveImageModel):
    """PixelCNN: one stack of masked convolutions in residual blocks, with ReLUs.

    ::

        image ── to [-1, 1] ── 7 x 7, mask A ── block ── block ── ... ── block ──┐
        parameters ── 1 x 1 ── ReLU ── 1 x 1 ── ReLU ── 1 x 1 ── ReLU ───────────┘

    What `GatedPixelCNN` is to be compared with. Its **blind spot** is as in the paper:
    pixels to the right above, in a wedge that all masks together leave out, have no
    influence; see `keras_pixelcnn.plot_receptive_field`.

    Conditions, in any combination, are added in every block before the nonlinearity: a
    label and an embedding the same at every pixel, a spatial map each pixel's own.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: h, features of the masked convolutions in the blocks, between which
            there are 2h; a multiple of the channels. Default: the largest of up to 128
            (128 for grey images, 126 for RGB).
        num_blocks: number of residual blocks, the first convolution not included.
            Default 15.
        kernel_size: odd kernel of the blocks, at least 3. Default 3.
        first_kernel_size: odd kernel of the first convolution, at least 3. Default 7.
        head_filters: features of the two layers before the last, a multiple of the
            channels. Default: twice the filters.
        likelihood: as for `GatedPixelCNN`; with "logistic_mixture" no number of
            features needs to be a multiple of the channels.
        dropout_rate: share of features dropped in training, in [0, 1), before the last
            layer of each block. Default 0.
        num_classes: as for `GatedPixelCNN`.
        embedding_dim: as there.
        spatial_shape: as there.
        condition_dropout: as there.
        gradient_checkpointing: as there.
        input_encoding: as there.
        input_embedding_dim: as there.
        dtype: as there.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = PixelCNN((28, 28, 1), filters=32, num_blocks=8)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        van den Oord et al. 2016, arXiv 1601.06759, sections 3.3 and 3.4, table 1 and
        figure 5.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        filters: int | None = None,
        num_blocks: int = 15,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: likelihoods.Identifier = "categorical",
        dropout_rate: float = 0.0,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        spatial_shape: tuple[int, int, int] | None = None,
        condition_dropout: float = 0.0,
        gradient_checkpointing: bool = False,
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        check_integer("num_blocks", num_blocks)
        check_kernel_size(first_kernel_size, smallest=3)
        pixels = likelihoods.get(likelihood, num_levels, image_shape[-1])
        groups = pixels.color_groups
        filters = complete_filters(filters, head_filters, groups)
        conditions = Conditions(
            num_classes, embedding_dim, spatial_shape, condition_dropout, dtype
        )

        # === Layers ===
        encoding = make_encoding(input_encoding, input_embedding_dim, pixels, dtype)
        shared = {"color_groups": groups, "dtype": dtype}
        first_convolution = MaskedConv2D(
            2 * filters, first_kernel_size, "A", name="first_convolution", **shared
        )
        blocks = [
            PixelCNNBlock(
                filters,
                kernel_size,
                dropout_rate=dropout_rate,
                gradient_checkpointing=gradient_checkpointing,
                name=f"block_{index}",
                **shared,
            )
            for index in range(num_blocks)
        ]
        condition_encoder = conditions.make_encoder(image_shape[:2], filters, dtype)
        conditionings = [
            GateConditioning(
                block.conditioning_filters,
                defers_maps=gradient_checkpointing,
                dtype=dtype,
                name=f"conditioning_{index}",
            )
            for index, block in enumerate(blocks)
            if conditions.names
        ]
        head = MaskedHead(
            image_shape,
            pixels,
            2 * filters if head_filters is None else head_filters,
            dtype,
        )

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        given = conditions.keras_inputs()
        added = [None] * num_blocks
        if given:
            features = condition_encoder(given)
            added = [conditioning(features) for conditioning in conditionings]
        outputs = first_convolution(encoding(image))
        for block, conditioning in zip(blocks, added, strict=True):
            outputs = block(outputs, conditioning)
        super().__init__(
            inputs={"image": image, **given},
            outputs=head(outputs),
            image_shape=image_shape,
            likelihood=pixels,
            conditions=conditions,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.filters = filters
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.head_filters = head_filters
        self.dropout_rate = dropout_rate
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim
        self.spatial_shape = conditions.shapes.get("spatial")
        self.condition_dropout = condition_dropout
        self.gradient_checkpointing = gradient_checkpointing
        self.input_encoding = input_encoding
        self.input_embedding_dim = input_embedding_dim
        self.encoding = encoding
        self.condition_encoder = condition_encoder
        self.conditionings = conditionings
        self.first_convolution = first_convolution
        self.blocks = blocks
        self.heads = head.hidden
        self.parameters = head.parameters

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """Gives the model step by step; see `AutoregressiveImageModel`."""
        return by_channel(PixelCNNSteps(self, conditions or {}), self.pixel_likelihood)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_blocks": self.num_blocks,
            "kernel_size": self.kernel_size,
            "first_kernel_size": self.first_kernel_size,
            "head_filters": self.head_filters,
            "dropout_rate": self.dropout_rate,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "spatial_shape": self.spatial_shape,
            "condition_dropout": self.condition_dropout,
            "gradient_checkpointing": self.gradient_checkpointing,
            "input_encoding": self.input_encoding,
            "input_embedding_dim": self.input_embedding_dim,
        }


class MaskedHead:
    """The layers after the blocks, as PixelCNN and PixelRNN wire them.

    Args:
        image_shape: (height, width, channels).
        likelihood: whose parameters come out.
        filters: features of the two hidden layers.
        dtype: dtype policy of these.

    Call arguments:
        inputs: symbolic features (batch, height, width, n).

    Returns:
        The parameters, symbolic float32 (batch, height, width, *pixel_shape).
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        likelihood: likelihoods.PixelLikelihood,
        filters: int,
        dtype: Any,
    ) -> None:
        groups, shape = likelihood.color_groups, likelihood.pixel_shape
        self.hidden = [
            MaskedProduct(filters, groups, dtype=dtype, name=f"head_{index}")
            for index in range(2)
        ]
        # Likelihoods stay exact under mixed precision.
        self.parameters = MaskedProduct(
            math.prod(shape), groups, dtype="float32", name="parameters"
        )
        self._by_pixel = keras.layers.Reshape(
            (*image_shape[:2], *shape), dtype="float32"
        )

    def __call__(self, inputs: Any) -> Any:
        """Wires the layers; see the class."""
        for layer in (*self.hidden, self.parameters):
            inputs = layer(keras.ops.relu(inputs))
        return self._by_pixel(inputs)
