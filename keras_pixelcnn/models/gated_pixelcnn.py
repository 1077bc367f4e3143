"""GatedPixelCNN: the model of "Conditional Image Generation with PixelCNN Decoders"."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.layers.color_groups import check_divisible
from keras_pixelcnn.models.arguments import check_image_shape
from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.conditions import Conditions
from keras_pixelcnn.models.gated_pixelcnn_network import GatedPixelCNNNetwork
from keras_pixelcnn.models.gated_pixelcnn_steps import GatedPixelCNNSteps


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedPixelCNN(AutoregressiveImageModel):
    """Gated PixelCNN: two stacks without a blind spot, tanh x sigmoid gates.

    ::

        image ── to [-1, 1] ── block A ── block B ── ... ── block B
                                  │ skip     │ skip            │ skip
                                  └─────(+)──┴─────── ... ─────┘
                                         │
                         ReLU ── 1 x 1 ── ReLU ── 1 x 1 ── parameters

    Conditions, in any combination, add to both gates of every block: a label and an
    embedding the same at every pixel, a spatial map each pixel's own.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: features of each stack, a multiple of the channels. Default: the
            largest of up to 128 (128 for grey images, 126 for RGB).
        num_blocks: number of blocks, the first (type A) included. Default 15.
        kernel_size: odd kernel of the blocks after the first. Default 3.
        first_kernel_size: odd kernel of the first block, at least 3. Default 7.
        head_filters: features of the skip outputs and of the layer before the last,
            a multiple of the channels. Default: `filters`.
        likelihood: "categorical".
        dropout_rate: share of gated features dropped in training, in [0, 1).
            Default 0.
        num_classes: number of labels, given as "label". Default: no labels.
        embedding_dim: length of vectors, given as "embedding". Default: no vectors.
        spatial_shape: (height, width, channels) of maps, given as "spatial"; of any
            size, whatever the image's. Default: no maps.
        condition_dropout: share of the examples that are trained without their
            condition, in [0, 1). Above 0 the model can do without conditions, and
            `sample` knows guidance. Default 0.
        gradient_checkpointing: whether training keeps only what goes into each block
            and computes what is inside it a second time for the gradient: memory
            grows far slower with `num_blocks`, for one more pass of arithmetic. The
            gradient is the same; it has no second derivative. Default False.
        dtype: dtype policy, such as "mixed_bfloat16"; the likelihood stays float32.
            Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = GatedPixelCNN((28, 28, 1), filters=32, num_blocks=8)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        van den Oord et al. 2016, arXiv 1606.05328, sections 2.1 to 2.3. Gradient
        checkpointing: Chen et al. 2016, arXiv 1604.06174.
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
        likelihood: str = "categorical",
        dropout_rate: float = 0.0,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        spatial_shape: tuple[int, int, int] | None = None,
        condition_dropout: float = 0.0,
        gradient_checkpointing: bool = False,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        channels = image_shape[-1]
        if num_blocks < 1:
            raise ValueError(
                f"num_blocks must be at least 1. Received: num_blocks={num_blocks}"
            )
        if filters is None:
            filters = max(128 // channels, 1) * channels
        check_divisible(filters, channels, "filters")
        if head_filters is not None:
            check_divisible(head_filters, channels, "head_filters")
        pixel_likelihood = likelihoods.get(likelihood, num_levels)
        conditions = Conditions(
            num_classes,
            embedding_dim,
            spatial_shape,
            condition_dropout,
            keras.dtype_policies.get(dtype).compute_dtype,
        )

        network = GatedPixelCNNNetwork(
            image_shape,
            pixel_likelihood,
            conditions,
            filters=filters,
            num_blocks=num_blocks,
            kernel_size=kernel_size,
            first_kernel_size=first_kernel_size,
            head_filters=head_filters,
            dropout_rate=dropout_rate,
            dtype=dtype,
        )
        image = keras.Input(image_shape, dtype="int32", name="image")
        inputs = {"image": image, **conditions.keras_inputs()}
        super().__init__(
            inputs=inputs,
            outputs=network(inputs),
            image_shape=image_shape,
            likelihood=pixel_likelihood,
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
        self.encoding = network.encoding
        self.condition_encoder = network.condition_encoder
        self.conditionings = network.conditionings
        self.blocks = network.blocks
        self.head = network.head
        self.parameters = network.parameters
        self._network = network

    def call(
        self,
        inputs: Mapping[str, tf.Tensor],
        training: bool | None = None,
        mask: Any = None,
    ) -> tf.Tensor:
        """Runs the whole pass; see the class."""
        if not (training and self.gradient_checkpointing):
            return super().call(inputs, training=training, mask=mask)
        inputs = {
            name: keras.ops.cast(inputs[name], wired.dtype)
            for name, wired in self.input.items()
        }
        return self._network(inputs, training=True, gradient_checkpointing=True)

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> GatedPixelCNNSteps:
        """The model step by step, with the weights as they stand now.

        Args:
            conditions: the model's inputs beside the image, of a batch. Default: none.
        """
        return GatedPixelCNNSteps(self, conditions or {})

    def multiply_adds(self) -> int:
        """Multiply-adds of one image that the masks leave open; see `flops`."""
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
            "num_blocks": self.num_blocks,
            "kernel_size": self.kernel_size,
            "first_kernel_size": self.first_kernel_size,
            "head_filters": self.head_filters,
            "likelihood": self.likelihood,
            "dropout_rate": self.dropout_rate,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "spatial_shape": self.spatial_shape,
            "condition_dropout": self.condition_dropout,
            "gradient_checkpointing": self.gradient_checkpointing,
        }
