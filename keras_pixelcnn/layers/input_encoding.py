"""Encodings of the integers of an image as a network's inputs."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_pixelcnn.checks import Shape, check_integer

INPUT_ENCODINGS = ("intensity", "embedding")
DEFAULT_INPUT_EMBEDDING_DIM = 64


def make_encoding(
    input_encoding: str, input_embedding_dim: int | None, likelihood: Any, dtype: Any
) -> "IntensityEncoding | ChannelEmbedding":
    """Makes the layer "encoding", through which images go into a model.

    Args:
        input_encoding: "intensity" or "embedding".
        input_embedding_dim: length of the vectors of "embedding". Default 64.
        likelihood: the model's, which has the levels and channels of a pixel.
        dtype: dtype policy of the vectors; None for Keras's global policy.

    Raises:
        ValueError: when there is no such encoding, or it does not go with the rest.
    """
    if not isinstance(input_encoding, str) or input_encoding not in INPUT_ENCODINGS:
        raise ValueError(
            f"input_encoding must be one of {INPUT_ENCODINGS}. "
            f"Received: input_encoding={input_encoding!r}"
        )
    if input_encoding == "intensity":
        if input_embedding_dim is not None:
            raise ValueError(
                'input_embedding_dim belongs to input_encoding="embedding". Leave it '
                f"out. Received: input_embedding_dim={input_embedding_dim!r} with "
                f"input_encoding={input_encoding!r}"
            )
        return IntensityEncoding(
            likelihood.num_levels, likelihood.channels, name="encoding"
        )
    if likelihood.orders_levels:
        raise ValueError(
            'input_encoding="embedding" is for values without an order, such as codes, '
            f'and likelihood="{likelihood.name}" takes them for intensities. Use '
            'likelihood="categorical", or input_encoding="intensity".'
        )
    if input_embedding_dim is None:
        input_embedding_dim = DEFAULT_INPUT_EMBEDDING_DIM
    check_integer("input_embedding_dim", input_embedding_dim)
    return ChannelEmbedding(
        likelihood.num_levels,
        input_embedding_dim,
        likelihood.channels,
        dtype=dtype,
        name="encoding",
    )


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
        # What could not be drawn is refused in the end, and no index until then.
        return tf.gather(self.tables[channel], tf.maximum(values, 0))


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
        """Runs all pixels at once."""
        return tf.cast(inputs, tf.float32) * (2.0 / (self.num_levels - 1)) - 1.0

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape."""
        return tuple(input_shape)

    def steps(self, dtype: Any) -> EncodingSteps:
        """Returns the layer's channel steps, for a network that computes in `dtype`."""
        return EncodingSteps(self, dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
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
        check_integer("output_dim", output_dim)
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

    def build(self, input_shape: Shape) -> None:
        """Creates the tables."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.channels, self.num_levels, self.output_dim),
            initializer=self.embeddings_initializer,
        )
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs all pixels at once."""
        levels = tf.clip_by_value(tf.cast(inputs, tf.int32), 0, self.num_levels - 1)
        rows = levels + self.num_levels * tf.range(self.channels)
        # The gradient of a reshape is dense.
        tables = tf.reshape(self.embeddings, [-1, self.output_dim])
        vectors = tf.gather(tf.cast(tables, self.compute_dtype), rows)
        sizes = tf.shape(vectors)[:-2]
        shape = [*inputs.shape[:-1], self.channels * self.output_dim]
        outputs = tf.reshape(vectors, tf.concat([sizes, shape[-1:]], axis=0))
        return tf.ensure_shape(outputs, shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the input's shape with the channels' vectors."""
        return (*input_shape[:-1], self.channels * self.output_dim)

    def multiply_adds(self, input_shape: Shape) -> int:
        """Counts none: looking a vector up in a table is no product."""
        return 0

    def steps(self, dtype: Any) -> EncodingSteps:
        """Returns the layer's channel steps, for a network that computes in `dtype`."""
        tables = tf.unstack(tf.cast(self.embeddings.value, dtype))
        return EncodingSteps(self, dtype, tuple(tables))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        initializer = keras.initializers.serialize(self.embeddings_initializer)
        return {
            **super().get_config(),
            "num_levels": self.num_levels,
            "output_dim": self.output_dim,
            "channels": self.channels,
            "embeddings_initializer": initializer,
        }
