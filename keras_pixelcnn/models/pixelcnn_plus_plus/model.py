"""PixelCNNPlusPlus: the network of "PixelCNN++"."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.checks import check_image_shape, check_integer
from keras_pixelcnn.layers import ShiftedConv2D
from keras_pixelcnn.layers.input_encoding import make_encoding
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.pixelcnn_plus_plus.sampling_steps import (
    PixelCNNPlusPlusSteps,
)
from keras_pixelcnn.models.pixelcnn_plus_plus.stream import (
    Resolution,
    Streams,
    with_ones,
)
from keras_pixelcnn.samplers import ScanSteps, by_channel


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
            the name and the likelihood's arguments, or one of your own; see
            `keras_pixelcnn.likelihoods.get`. Default "logistic_mixture".
        dropout_rate: share of the features dropped in each block in training, in
            [0, 1). Default 0.5.
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
        likelihood: likelihoods.Identifier = "logistic_mixture",
        dropout_rate: float = 0.5,
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
        check_integer("filters", filters)
        check_integer("num_blocks", num_blocks)
        check_integer("num_resolutions", num_resolutions)
        pixels = likelihoods.get(likelihood, num_levels, image_shape[-1])
        if pixels.color_groups > 1:
            raise ValueError(
                "PixelCNNPlusPlus has no groups of features to keep the order of "
                f"{pixels.channels} channels, which likelihood={pixels.identifier!r} "
                'needs. Use likelihood="logistic_mixture" for images of several '
                "channels, or GatedPixelCNN."
            )
        conditions = Conditions(
            num_classes, embedding_dim, spatial_shape, condition_dropout, dtype
        )

        # === Layers ===
        encoding = make_encoding(input_encoding, input_embedding_dim, pixels, dtype)
        first_above = ShiftedConv2D(
            filters, "down", "A", dtype=dtype, name="first_above"
        )
        # What the left stream sees of the row above, and what to the left.
        first_left = Streams(
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
        resolutions, size = [], image_shape[:2]
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
                gradient_checkpointing=gradient_checkpointing,
                dtype=dtype,
            )
            resolutions.append(resolution)
            if not is_last:
                size = resolution.add_lower(filters, dtype)
        condition_encoder = conditions.make_encoder(image_shape[:2], filters, dtype)
        # Likelihoods stay exact under mixed precision.
        parameters = MaskedProduct(
            math.prod(pixels.pixel_shape), dtype="float32", name="parameters"
        )
        by_pixel = keras.layers.Reshape(
            (*image_shape[:2], *pixels.pixel_shape), dtype="float32"
        )

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        given = conditions.keras_inputs()
        features = condition_encoder(given) if given else {}
        encoded = with_ones(encoding(image))
        streams = Streams(
            first_above(encoded),
            keras.ops.add(first_left.above(encoded), first_left.left(encoded)),
        )
        outputs = keras.ops.elu(_run(resolutions, streams, features).left)
        super().__init__(
            inputs={"image": image, **given},
            outputs=by_pixel(parameters(outputs)),
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
        self.num_resolutions = num_resolutions
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
        self.first_above = first_above
        self.first_left = first_left
        self.resolutions = resolutions
        self.parameters = parameters

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """Gives the model step by step; see `AutoregressiveImageModel`."""
        return by_channel(
            PixelCNNPlusPlusSteps(self, conditions or {}), self.pixel_likelihood
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_blocks": self.num_blocks,
            "num_resolutions": self.num_resolutions,
            "dropout_rate": self.dropout_rate,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "spatial_shape": self.spatial_shape,
            "condition_dropout": self.condition_dropout,
            "gradient_checkpointing": self.gradient_checkpointing,
            "input_encoding": self.input_encoding,
            "input_embedding_dim": self.input_embedding_dim,
        }


def _run(
    resolutions: Sequence[Resolution], streams: Streams, features: Mapping[str, Any]
) -> Streams:
    """Runs both streams through a resolution, and through those below in its middle."""
    resolution, *lower = resolutions
    here = resolution.features(features)
    shortcuts = [streams, *resolution.run_blocks("before", streams, here)]
    if not lower:
        streams = shortcuts.pop()
    else:
        down = zip(resolution.downsampling, shortcuts[-1], strict=True)
        streams = Streams(*(layer(stream) for layer, stream in down))
        streams = _run(lower, streams, features)
        up = zip(resolution.upsampling, streams, strict=True)
        streams = Streams(*(layer(stream) for layer, stream in up))
    return resolution.run_blocks("after", streams, here, shortcuts[::-1])[-1]
