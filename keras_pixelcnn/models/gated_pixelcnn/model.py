"""GatedPixelCNN: the model of "Conditional Image Generation with PixelCNN Decoders"."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.checks import check_image_shape, check_integer, check_number
from keras_pixelcnn.layers import GateConditioning, GatedPixelCNNBlock
from keras_pixelcnn.layers.color_groups import complete_filters
from keras_pixelcnn.layers.input_encoding import make_encoding
from keras_pixelcnn.layers.masked_conv2d import MaskedProduct
from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel
from keras_pixelcnn.models.base.conditions import Conditions
from keras_pixelcnn.models.gated_pixelcnn.sampling_steps import GatedPixelCNNSteps
from keras_pixelcnn.samplers import ScanSteps, by_channel


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
    embedding the same at every pixel, a spatial map each pixel's own, a caption both.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: features of each stack, a multiple of the channels. Default: the
            largest of up to 128 (128 for grey images, 126 for RGB). With
            "logistic_mixture" any number will do.
        num_blocks: number of blocks, the first (type A) included. Default 15.
        kernel_size: odd kernel of the blocks after the first. Default 3.
        first_kernel_size: odd kernel of the first block, at least 3. Default 7.
        head_filters: features of the skip outputs and of the layer before the last,
            a multiple of the channels. Default: `filters`.
        likelihood: "categorical"; "logistic_mixture", the discretised mixture of
            logistics of PixelCNN++, whose network runs once a pixel instead of once a
            channel. {"name": "logistic_mixture", "num_mixtures": 5} is one of 5
            components instead of 10; see `keras_pixelcnn.likelihoods.LogisticMixture`.
            "two_sided_geometric", of two numbers a channel. Or one of your own; see
            `keras_pixelcnn.likelihoods.get`.
        dropout_rate: share of gated features dropped in training, in [0, 1).
            Default 0.
        num_classes: number of labels, given as "label". Default: no labels.
        embedding_dim: length of vectors, given as "embedding". Default: no vectors.
        spatial_shape: (height, width, channels) of maps, given as "spatial"; of any
            size, whatever the image's. Default: no maps.
        vocabulary: words of captions, given as "caption": sentences, or the numbers of
            their words; or what a `TextVectorization`'s `get_vocabulary()` returns,
            which lets unknown words in; or an adapted `TextVectorization` itself, which
            is saved with the model. A small Transformer learns them with the rest.
            Default: no captions.
        caption_length: the most words of a caption; goes with `vocabulary`.
        condition_dropout: share of the examples that are trained without their
            condition, in [0, 1). Above 0 the model can do without conditions, and
            `sample` knows guidance. Default 0.
        gradient_checkpointing: whether training keeps only what goes into each block
            and computes what is inside it a second time for the gradient: memory
            grows far slower with `num_blocks`, for one more pass of arithmetic. The
            gradient is the same; it has no second derivative. Default False.
        vector_map: whether label and embedding also say what is where: through a small
            deconvolutional network to a map of the image's size. Default False.
        positions: whether each pixel is told where it is, in the gates of every block.
            Default False.
        vertical_gain: what Glorot's initial scale of the vertical kernels is multiplied
            by. At 1 their features shrink by 0.4 in each block; about 2.2 nearly keeps
            their scale, which deep models need. Default 1.
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
        >>> model = GatedPixelCNN((28, 28, 1), filters=32, num_blocks=8)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        van den Oord et al. 2016, arXiv 1606.05328, sections 2.1 to 2.3. Gradient
        checkpointing: Chen et al. 2016, arXiv 1604.06174. The mixture of logistics:
        Salimans et al. 2017, arXiv 1701.05517.
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
        vocabulary: Sequence[str] | keras.layers.TextVectorization | None = None,
        caption_length: int | None = None,
        condition_dropout: float = 0.0,
        gradient_checkpointing: bool = False,
        vector_map: bool = False,
        positions: bool = False,
        vertical_gain: float = 1.0,
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        image_shape = check_image_shape(image_shape)
        pixels = likelihoods.get(likelihood, num_levels, image_shape[-1])
        conditions = Conditions(
            num_classes,
            embedding_dim,
            spatial_shape,
            condition_dropout,
            dtype,
            vocabulary,
            caption_length,
        )

        # === Layers ===
        encoding = make_encoding(input_encoding, input_embedding_dim, pixels, dtype)
        network = GatedNetwork(
            image_shape,
            encoding,
            pixels,
            is_conditional=bool(conditions.names) or positions,
            filters=filters,
            num_blocks=num_blocks,
            kernel_size=kernel_size,
            first_kernel_size=first_kernel_size,
            head_filters=head_filters,
            dropout_rate=dropout_rate,
            gradient_checkpointing=gradient_checkpointing,
            vertical_gain=vertical_gain,
            dtype=dtype,
        )
        condition_encoder = conditions.make_encoder(
            image_shape[:2], network.filters, dtype, vector_map, positions
        )
        by_pixel = keras.layers.Reshape(
            (*image_shape[:2], *pixels.pixel_shape), dtype="float32"
        )

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        given = conditions.keras_inputs()
        encoded, features = encoding(image), None
        if condition_encoder is not None:
            # A symbolic layer needs an input, whatever it reads.
            features = condition_encoder(given or {"image": encoded})
        outputs = network(encoded, features)
        super().__init__(
            inputs={"image": image, **given},
            outputs=by_pixel(outputs),
            image_shape=image_shape,
            likelihood=pixels,
            conditions=conditions,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )

        # === Config ===
        self.filters = network.filters
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.head_filters = head_filters
        self.dropout_rate = dropout_rate
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim
        self.spatial_shape = conditions.shapes.get("spatial")
        self.vocabulary = conditions.caption_text and conditions.caption_text.vocabulary
        self.caption_length = caption_length
        self.condition_dropout = condition_dropout
        self.gradient_checkpointing = gradient_checkpointing
        self.vector_map = vector_map
        self.positions = positions
        self.vertical_gain = vertical_gain
        self.input_encoding = input_encoding
        self.input_embedding_dim = input_embedding_dim
        self.encoding = encoding
        self.condition_encoder = condition_encoder
        self.conditionings = network.conditionings
        self.blocks = network.blocks
        self.head = network.head
        self.parameters = network.parameters

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """Gives the model step by step; see `AutoregressiveImageModel`."""
        features = None
        if self.condition_encoder is not None:
            features = self.condition_encoder(conditions or {}, training=False)
        return by_channel(GatedPixelCNNSteps(self, features), self.pixel_likelihood)

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
            "vocabulary": self.vocabulary,
            "caption_length": self.caption_length,
            "condition_dropout": self.condition_dropout,
            "gradient_checkpointing": self.gradient_checkpointing,
            "vector_map": self.vector_map,
            "positions": self.positions,
            "vertical_gain": self.vertical_gain,
            "input_encoding": self.input_encoding,
            "input_embedding_dim": self.input_embedding_dim,
        }


class GatedNetwork:
    """Blocks, conditionings and head of a Gated PixelCNN, as a model wires them.

    Args:
        image_shape: (height, width, channels).
        encoding: the layer that the image has gone through.
        likelihood: whose parameters come out.
        is_conditional: whether features of conditions are added to the gates.
        filters: see `GatedPixelCNN`.
        num_blocks: as there.
        kernel_size: as there.
        first_kernel_size: as there.
        head_filters: as there.
        dropout_rate: as there.
        gradient_checkpointing: as there.
        vertical_gain: as there.
        dtype: as there.
        parameters: the last layer, where networks share one. Default: its own.
        prefix: what the names of the layers begin with. Default: nothing.

    Call arguments:
        encoded: the encoded image, symbolic (batch, height, width, features).
        features: what a `ConditionEncoder` returns; of conditional networks alone.

    Returns:
        The parameters, symbolic float32 (batch, height, width, n).

    Raises:
        ValueError: on arguments out of their ranges.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        encoding: Any,
        likelihood: likelihoods.PixelLikelihood,
        *,
        is_conditional: bool,
        filters: int | None,
        num_blocks: int,
        kernel_size: int,
        first_kernel_size: int,
        head_filters: int | None,
        dropout_rate: float,
        gradient_checkpointing: bool,
        vertical_gain: float,
        dtype: Any,
        parameters: MaskedProduct | None = None,
        prefix: str = "",
    ) -> None:
        check_integer("num_blocks", num_blocks)
        check_number(
            "vertical_gain",
            vertical_gain,
            "a number above 0",
            lambda x: 0 < x < math.inf,
        )
        groups = likelihood.color_groups
        self.image_shape = image_shape
        self.encoding = encoding
        self.filters = complete_filters(filters, head_filters, groups)
        self.blocks = [
            GatedPixelCNNBlock(
                self.filters,
                kernel_size if index else first_kernel_size,
                mask_type="B" if index else "A",
                skip_filters=head_filters,
                color_groups=groups,
                dropout_rate=dropout_rate,
                skip_only=index == num_blocks - 1,
                gradient_checkpointing=gradient_checkpointing,
                vertical_gain=vertical_gain,
                dtype=dtype,
                name=f"{prefix}block_{index}",
            )
            for index in range(num_blocks)
        ]
        self.conditionings = [
            GateConditioning(
                block.conditioning_filters,
                defers_maps=gradient_checkpointing,
                dtype=dtype,
                name=f"{prefix}conditioning_{index}",
            )
            for index, block in enumerate(self.blocks)
            if is_conditional
        ]
        self.head = MaskedProduct(
            self.blocks[0].skip_filters, groups, dtype=dtype, name=f"{prefix}head"
        )
        self.parameters = parameters or make_parameters(likelihood, prefix)

    def __call__(self, encoded: Any, features: Mapping[str, Any] | None = None) -> Any:
        """Wires the layers; see the class."""
        return self.parameters(self.head_features(encoded, features))

    def head_features(
        self, encoded: Any, features: Mapping[str, Any] | None = None
    ) -> Any:
        """Wires all layers but the last, which needs no other place's features."""
        added = [None] * len(self.blocks)
        if self.conditionings:
            added = [conditioning(features) for conditioning in self.conditionings]
        vertical, horizontal, skips = encoded, encoded, []
        for block, conditioning in zip(self.blocks[:-1], added[:-1], strict=True):
            vertical, horizontal, skip = block(vertical, horizontal, conditioning)
            skips.append(skip)
        skips.append(self.blocks[-1](vertical, horizontal, added[-1]))
        outputs = functools.reduce(keras.ops.add, skips)
        return keras.ops.relu(self.head(keras.ops.relu(outputs)))


def make_parameters(
    likelihood: likelihoods.PixelLikelihood, prefix: str = ""
) -> MaskedProduct:
    """Makes a network's last layer, which gives the likelihood's parameters."""
    return MaskedProduct(
        math.prod(likelihood.pixel_shape),
        likelihood.color_groups,
        dtype="float32",  # likelihoods stay exact under mixed precision
        name=f"{prefix}parameters",
    )
