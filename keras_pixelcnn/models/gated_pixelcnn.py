"""GatedPixelCNN: the model of "Conditional Image Generation with PixelCNN Decoders"."""

import functools
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn import likelihoods
from keras_pixelcnn.layers import GatedPixelCNNBlock, MaskedConv2D
from keras_pixelcnn.layers.color_groups import check_divisible
from keras_pixelcnn.layers.gated_block import PixelState
from keras_pixelcnn.layers.masked_conv2d import GroupSteps
from keras_pixelcnn.models.arguments import check_image_shape
from keras_pixelcnn.models.autoregressive import AutoregressiveImageModel


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedPixelCNN(AutoregressiveImageModel):
    """Gated PixelCNN: two stacks without a blind spot, tanh x sigmoid gates.

    ::

        image ── to [-1, 1] ── block A ── block B ── ... ── block B
                                  │ skip     │ skip            │ skip
                                  └─────(+)──┴─────── ... ─────┘
                                         │
                         ReLU ── 1 x 1 ── ReLU ── 1 x 1 ── parameters

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
        van den Oord et al. 2016, arXiv 1606.05328, sections 2.1 and 2.2.
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

        # === Layers ===
        encoding = keras.layers.Rescaling(
            2.0 / (num_levels - 1),
            offset=-1.0,
            dtype="float32",  # low precision cannot hold large levels
            name="encoding",
        )
        blocks = [
            GatedPixelCNNBlock(
                filters,
                kernel_size if index else first_kernel_size,
                mask_type="B" if index else "A",
                skip_filters=head_filters,
                color_groups=channels,
                dropout_rate=dropout_rate,
                skip_only=index == num_blocks - 1,
                dtype=dtype,
                name=f"block_{index}",
            )
            for index in range(num_blocks)
        ]
        head = MaskedConv2D(
            blocks[0].skip_filters,
            1,
            "B",
            color_groups=channels,
            dtype=dtype,
            name="head",
        )
        parameters = MaskedConv2D(
            channels * pixel_likelihood.num_parameters,
            1,
            "B",
            color_groups=channels,
            dtype="float32",  # likelihoods stay exact under mixed precision
            name="parameters",
        )

        # === Functional model ===
        image = keras.Input(image_shape, dtype="int32", name="image")
        vertical = horizontal = encoding(image)
        skips = []
        for block in blocks[:-1]:
            vertical, horizontal, skip = block(vertical, horizontal)
            skips.append(skip)
        skips.append(blocks[-1](vertical, horizontal))
        outputs = keras.ops.relu(functools.reduce(keras.ops.add, skips))
        outputs = parameters(keras.ops.relu(head(outputs)))
        outputs = keras.layers.Reshape(
            (*image_shape, pixel_likelihood.num_parameters), dtype="float32"
        )(outputs)
        super().__init__(
            inputs={"image": image},
            outputs=outputs,
            image_shape=image_shape,
            likelihood=pixel_likelihood,
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
        self.encoding = encoding
        self.blocks = blocks
        self.head = head
        self.parameters = parameters

    def scan_steps(self) -> "GatedPixelCNNSteps":
        """The model step by step, with the weights as they stand now."""
        return GatedPixelCNNSteps(self)

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
        }


class _PixelState(NamedTuple):
    """The blocks' states at the pixel at hand, and the head's inputs so far."""

    blocks: tuple[PixelState, ...]
    skips: tuple[tf.Tensor, ...] = ()
    hidden: tuple[tf.Tensor, ...] = ()


class GatedPixelCNNSteps:
    """`GatedPixelCNN` as `samplers.ScanSteps`.

    Args:
        model: the model, whose weights are read once.
    """

    def __init__(self, model: GatedPixelCNN) -> None:
        self._encoding = model.encoding
        self._dtype = model.blocks[0].compute_dtype
        self._image_shape = model.image_shape
        self._rows = [block.row_steps() for block in model.blocks]
        self._pixels = [block.pixel_steps() for block in model.blocks]
        self._skip = GroupSteps([block.skip for block in model.blocks])
        self._head = model.head.group_steps()
        self._parameters = model.parameters.group_steps()

    def start_image(self, batch_size: tf.Tensor) -> Any:
        """The row above the image, encoded, and the caches of the vertical stack."""
        _, width, channels = self._image_shape
        caches = [block.initial_cache(batch_size, width) for block in self._rows]
        newest = tf.zeros([batch_size, width, channels], caches[0].dtype)
        return newest, tuple(caches)

    def row(self, cache: Any) -> tuple[tuple[tf.Tensor, ...], Any]:
        """Runs the vertical stack; gives its links to the horizontal one."""
        newest, caches = cache
        vertical, links, new_caches = newest, [], []
        for block, block_cache in zip(self._rows, caches, strict=True):
            vertical, link, block_cache = block(vertical, block_cache)
            links.append(link)
            new_caches.append(block_cache)
        return tuple(links), (newest, tuple(new_caches))

    def finish_row(self, row: tf.Tensor, cache: Any) -> Any:
        """Makes the row the newest above the next."""
        return self._encode(row), cache[1]

    def start_row(self, batch_size: tf.Tensor) -> tuple[Any, ...]:
        """The caches of the horizontal stack."""
        return tuple(block.initial_cache(batch_size) for block in self._pixels)

    def pixel(
        self, features: tuple[tf.Tensor, ...], column: tf.Tensor, cache: tuple[Any, ...]
    ) -> _PixelState:
        """Enters a pixel."""
        blocks = zip(features, cache, strict=True)
        return _PixelState(
            tuple(PixelState(link[column], left) for link, left in blocks)
        )

    def channel(
        self, value: tf.Tensor | None, state: _PixelState
    ) -> tuple[tf.Tensor, _PixelState]:
        """Runs the horizontal stack and the head for the next channel."""
        features = None if value is None else self._encode(value[:, tf.newaxis])
        blocks = []
        for block, block_state in zip(self._pixels, state.blocks, strict=True):
            features, block_state = block.group(features, block_state)
            blocks.append(block_state)
        skip = self._skip(*(block_state.gated for block_state in blocks))
        skips = (*state.skips, tf.nn.relu(skip))
        hidden = (*state.hidden, tf.nn.relu(self._head(skips)))
        return self._parameters(hidden), _PixelState(tuple(blocks), skips, hidden)

    def finish_pixel(self, value: tf.Tensor, state: _PixelState) -> tuple[Any, ...]:
        """Shifts the caches of the horizontal stack by one pixel."""
        last = self._encode(value[:, tf.newaxis])
        inputs = [last, *[None] * (len(self._pixels) - 1)]
        steps = zip(self._pixels, inputs, state.blocks, strict=True)
        return tuple(block.finish(last, pixel) for block, last, pixel in steps)

    def _encode(self, values: tf.Tensor) -> tf.Tensor:
        return tf.cast(self._encoding(values), self._dtype)
