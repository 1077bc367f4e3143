"""From the integers of an image to what a network computes with."""

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf


class EncodingSteps(NamedTuple):
    """An encoding channel by channel, with the weights as they stand now."""

    encoding: Any
    dtype: Any
    """What the network computes in."""
    tables: tuple[tf.Tensor, ...] | None = None
    """Of learned vectors one for each channel, (num_levels, features)."""

    @property
    def features(self) -> int:
        """Features of a whole pixel."""
        return self.encoding.channels * self.encoding.features_per_channel

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Encodes whole pixels, (..., channels), as (..., features)."""
        return tf.cast(self.encoding(values), self.dtype)

    def pixel(self, values: tf.Tensor, channel: int) -> tf.Tensor:
        """Encodes one channel of a pixel, or all of them at once.

        Args:
            values: int32 (examples,) of one channel, or (examples, channels).
            channel: which one.

        Returns:
            (examples, features of this channel or of all).
        """
        if values.shape.rank == 2:
            return self(values)
        if self.tables is None:
            return self(values[:, tf.newaxis])
        return tf.gather(self.tables[channel], values)


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class IntensityEncoding(keras.layers.Layer):
    """Levels in their order, as evenly spaced numbers from -1 to 1.

    Args:
        num_levels: values are integers in [0, num_levels).
        channels: channels of a pixel. Default 1.

    Call arguments:
        inputs: tensor (..., channels) of numbers.

    Returns:
        float32 tensor (..., channels): low precision cannot hold large levels.
    """

    features_per_channel = 1

    def __init__(self, num_levels: int, channels: int = 1, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_levels = num_levels
        self.channels = channels

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """All pixels at once."""
        return tf.cast(inputs, tf.float32) * (2.0 / (self.num_levels - 1)) - 1.0

    def compute_output_shape(
        self, input_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        """The input's shape."""
        return tuple(input_shape)

    def steps(self, dtype: Any) -> EncodingSteps:
        """The layer channel by channel, for a network that computes in `dtype`."""
        return EncodingSteps(self, dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_levels": self.num_levels,
            "channels": self.channels,
        }


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class ChannelEmbedding(keras.layers.Layer):
    """Levels without an order, as learned vectors: each channel by its own table.

    `keras.layers.Embedding` for several channels, whose vectors stand side by side, so
    that they are groups of features in the order of the channels. And its gradient is
    dense: gradients are summed over parts of a batch and over devices, and clipped.

    Args:
        num_levels: values are integers in [0, num_levels).
        output_dim: length of a vector.
        channels: channels of a pixel. Default 1.
        embeddings_initializer: of the tables. Default: normal, of variance 1, as the
            initializers of the layers after it expect.

    Call arguments:
        inputs: tensor (..., channels) of integers. Values that are no level get the
            vector of the nearest: a likelihood knows better what to say of them.

    Returns:
        Float tensor (..., channels * output_dim).

    Raises:
        ValueError: when the vectors' length is no integer of at least 1.
    """

    def __init__(
        self,
        num_levels: int,
        output_dim: int,
        channels: int = 1,
        embeddings_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(output_dim, numbers.Integral) or output_dim < 1:
            raise ValueError(
                "output_dim must be an integer of at least 1. "
                f"Received: output_dim={output_dim!r}"
            )
        # Low precision cannot hold large levels.
        super().__init__(**{**kwargs, "autocast": False})
        self.num_levels = num_levels
        self.output_dim = output_dim
        self.channels = channels
        if embeddings_initializer is None:
            embeddings_initializer = keras.initializers.RandomNormal(stddev=1.0)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    @property
    def features_per_channel(self) -> int:
        """Length of a vector."""
        return self.output_dim

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Creates the tables."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.channels, self.num_levels, self.output_dim),
            initializer=self.embeddings_initializer,
        )
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """All pixels at once."""
        levels = tf.clip_by_value(tf.cast(inputs, tf.int32), 0, self.num_levels - 1)
        rows = levels + self.num_levels * tf.range(self.channels)
        # The gradient of a reshape is dense.
        tables = tf.reshape(self.embeddings, [-1, self.output_dim])
        vectors = tf.gather(tf.cast(tables, self.compute_dtype), rows)
        sizes = tf.shape(vectors)[:-2]
        shape = [*inputs.shape[:-1], self.channels * self.output_dim]
        outputs = tf.reshape(vectors, tf.concat([sizes, shape[-1:]], axis=0))
        return tf.ensure_shape(outputs, shape)

    def compute_output_shape(
        self, input_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        """The input's shape with the channels' vectors."""
        return (*input_shape[:-1], self.channels * self.output_dim)

    def steps(self, dtype: Any) -> EncodingSteps:
        """The layer channel by channel, for a network that computes in `dtype`."""
        tables = tf.unstack(tf.cast(self.embeddings.value, dtype))
        return EncodingSteps(self, dtype, tuple(tables))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        initializer = keras.initializers.serialize(self.embeddings_initializer)
        return {
            **super().get_config(),
            "num_levels": self.num_levels,
            "output_dim": self.output_dim,
            "channels": self.channels,
            "embeddings_initializer": initializer,
        }
