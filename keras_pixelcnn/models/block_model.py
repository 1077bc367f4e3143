"""BlockModel: what models out of equal blocks share: arguments, config, wiring."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.layers.color_groups import check_divisible
from keras_pixelcnn.models.arguments import check_image_shape, check_positive
from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.block_network import BlockNetwork
from keras_pixelcnn.models.conditions import Conditions
from keras_pixelcnn.samplers import ChannelSteps, ScanSteps


class BlockModel(AutoregressiveImageModel):
    """A model whose network is a `BlockNetwork`; see `PixelCNN` for the arguments.

    A subclass says which network and which steps.
    """

    network_class: ClassVar[type[BlockNetwork]]
    steps_class: ClassVar[type]

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        filters: int | None = None,
        num_blocks: int = 15,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: str | Mapping[str, Any] = "categorical",
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
        pixel_likelihood = likelihoods.get(likelihood, num_levels, image_shape[-1])
        groups = pixel_likelihood.color_groups
        check_positive("num_blocks", num_blocks)
        if filters is None:
            filters = max(128 // groups, 1) * groups
        check_divisible(filters, groups, "filters")
        if head_filters is not None:
            check_divisible(head_filters, groups, "head_filters")
        conditions = Conditions(
            num_classes,
            embedding_dim,
            spatial_shape,
            condition_dropout,
            keras.dtype_policies.get(dtype).compute_dtype,
        )

        network = self.network_class(
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
        self.heads = network.heads
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
    ) -> ScanSteps:
        """The model step by step, with the weights as they stand now.

        Args:
            conditions: the model's inputs beside the image, of a batch. Default: none.
        """
        steps = self.steps_class(self, conditions or {})
        if not self.pixel_likelihood.channels_at_once:
            return steps
        return ChannelSteps(steps, self.pixel_likelihood.channel_parameters)

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
