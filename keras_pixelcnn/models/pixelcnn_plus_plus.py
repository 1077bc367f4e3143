"""PixelCNNPlusPlus: the network of "PixelCNN++"."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.models.arguments import check_image_shape, check_positive
from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.conditions import Conditions
from keras_pixelcnn.models.pixelcnn_plus_plus_network import PixelCNNPlusPlusNetwork
from keras_pixelcnn.models.pixelcnn_plus_plus_steps import PixelCNNPlusPlusSteps
from keras_pixelcnn.samplers import ChannelSteps, ScanSteps


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelCNNPlusPlus(AutoregressiveImageModel):
    """PixelCNN++: residual blocks at several resolutions, with short-cuts.

    ::

        image ── first ── n blocks ────── short-cuts ────── n + 1 blocks ── outputs
                             │ stride 2                        ^ transposed
                             └──── n blocks ── short-cuts ── n + 1 blocks
                                      │ stride 2               ^ transposed
                                      └─ n blocks, n blocks ───┘

    Two streams run through it side by side: one sees the rows above, the other these
    and what lies left of the pixel; after each block the second takes in the first.
    Height and width may be any: a resolution has half the rows and columns of that
    before, rounded up.

    The features are in no groups of colours: a pixel's parameters depend on the pixels
    before it alone, and the likelihood makes its channels depend on each other.

    Without the weight normalisation of the paper, whose data-dependent initialisation
    needs a batch before the first step and depends on it: here the second convolution
    of each block begins small, as there, and Keras's initialisers do for the rest. The
    paper's dropout of one half suits CIFAR-10; large data sets may need less.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: features of each stream. Default 160.
        num_blocks: blocks for each resolution on the way down. Default 5.
        num_resolutions: number of resolutions, the image's own included. Default 3.
        likelihood: "logistic_mixture", or for grey images "categorical"; or a dict with
            the name and the likelihood's arguments. Default "logistic_mixture".
        dropout_rate: share of the features dropped in each block in training, in
            [0, 1). Default 0.5.
        num_classes: number of labels, given as "label". Default: no labels.
        embedding_dim: length of vectors, given as "embedding". Default: no vectors.
        spatial_shape: (height, width, channels) of maps, given as "spatial"; of any
            size, whatever the image's. Default: no maps.
        condition_dropout: share of the examples that are trained without their
            condition, in [0, 1). Above 0 the model can do without conditions, and
            `sample` knows guidance. Default 0.
        gradient_checkpointing: whether training keeps only what goes into each block
            and computes what is inside it a second time for the gradient: less memory
            for one more pass of arithmetic. The gradient is the same; it has no second
            derivative. Default False.
        dtype: dtype policy, such as "mixed_bfloat16"; the likelihood stays float32.
            Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges, and for a likelihood that needs
            the features in groups of colours.

    Example:
        >>> model = PixelCNNPlusPlus((32, 32, 3), filters=64, num_blocks=2)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        Salimans et al. 2017, arXiv 1701.05517, sections 2.2 to 2.5 and figure 2.
        Gradient checkpointing: Chen et al. 2016, arXiv 1604.06174.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        filters: int = 160,
        num_blocks: int = 5,
        num_resolutions: int = 3,
        likelihood: Any = "logistic_mixture",
        dropout_rate: float = 0.5,
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
        sizes = {
            "filters": filters,
            "num_blocks": num_blocks,
            "num_resolutions": num_resolutions,
        }
        for argument, size in sizes.items():
            check_positive(argument, size)
        pixel_likelihood = likelihoods.get(likelihood, num_levels, image_shape[-1])
        if pixel_likelihood.color_groups > 1:
            raise ValueError(
                "PixelCNNPlusPlus has no groups of features to keep the order of "
                f"{image_shape[-1]} channels, which likelihood={likelihood!r} needs. "
                'Use likelihood="logistic_mixture" for images of several channels, or '
                "GatedPixelCNN."
            )
        conditions = Conditions(
            num_classes,
            embedding_dim,
            spatial_shape,
            condition_dropout,
            keras.dtype_policies.get(dtype).compute_dtype,
        )

        network = PixelCNNPlusPlusNetwork(
            image_shape,
            pixel_likelihood,
            conditions,
            **sizes,
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
        self.num_resolutions = num_resolutions
        self.dropout_rate = dropout_rate
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim
        self.spatial_shape = conditions.shapes.get("spatial")
        self.condition_dropout = condition_dropout
        self.gradient_checkpointing = gradient_checkpointing
        self.network = network

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
        return self.network(inputs, training=True, gradient_checkpointing=True)

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """The model step by step, with the weights as they stand now.

        Args:
            conditions: the model's inputs beside the image, of a batch. Default: none.
        """
        steps = PixelCNNPlusPlusSteps(self, conditions or {})
        if not self.pixel_likelihood.channels_at_once:
            return steps
        return ChannelSteps(steps, self.pixel_likelihood.channel_parameters)

    def multiply_adds(self) -> int:
        """Multiply-adds of one image; see `flops`."""
        return self.network.multiply_adds(self.input)

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
            "num_resolutions": self.num_resolutions,
            "likelihood": self.likelihood,
            "dropout_rate": self.dropout_rate,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "spatial_shape": self.spatial_shape,
            "condition_dropout": self.condition_dropout,
            "gradient_checkpointing": self.gradient_checkpointing,
        }
