"""CaptionEncoder: the words of a sentence become a vector and a map."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import Shape
from keras_pixelcnn.layers.vector_map import NUM_POSITION_FEATURES, position_features

_NUM_LAYERS = 2
_NUM_HEADS = 4


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class CaptionEncoder(keras.layers.Layer):
    """Encodes sentences as one vector, and as what they mean at each pixel.

    A small Transformer over the words, before which stands a learned one: what comes
    out at its place is the vector. For the map each pixel's coordinates attend over all
    words. Words beyond the end of a sentence are not attended to.

    Args:
        image_size: (height, width) of the map.
        vocabulary_size: how many numbers a word can have, 0, the padding, included.
        filters: features of the words, the vector and the map.

    Call arguments:
        inputs: integers (batch, length), numbers of words; 0 stands after the last.

    Returns:
        Dict of floats: "caption" (batch, filters) and "caption_map" (batch, height,
        width, filters).

    References:
        Vaswani et al. 2017, arXiv 1706.03762, with the normalisation before each
        sublayer: Xiong et al. 2020, arXiv 2002.04745.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        vocabulary_size: int,
        filters: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        height, width = image_size
        self.image_size = (height, width)
        self.vocabulary_size = vocabulary_size
        self.filters = filters
        options = {"dtype": self.dtype_policy}
        self.words = keras.layers.Embedding(
            vocabulary_size, filters, name="words", **options
        )
        self.attentions = [_attention(filters, i, options) for i in range(_NUM_LAYERS)]
        self.norms = [
            keras.layers.LayerNormalization(name=f"norm_{i}", **options)
            for i in range(2 * _NUM_LAYERS + 1)
        ]
        self.hidden = [
            keras.layers.Dense(2 * filters, "relu", name=f"hidden_{i}", **options)
            for i in range(_NUM_LAYERS)
        ]
        self.outputs = [
            keras.layers.Dense(filters, name=f"output_{i}", **options)
            for i in range(_NUM_LAYERS)
        ]
        self.places = keras.layers.Dense(filters, name="places", **options)
        self.map_attention = _attention(filters, "map", options)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for sentences of one length."""
        words = (None, input_shape[1] + 1, self.filters)
        self.order = self.add_weight(
            shape=words[1:], initializer="random_normal", name="order"
        )
        self.words.build(tuple(input_shape))
        for norm in self.norms:
            norm.build(words)
        for attention, hidden, output in zip(
            self.attentions, self.hidden, self.outputs, strict=True
        ):
            attention.build(words, words)
            hidden.build(words)
            output.build((*words[:2], 2 * self.filters))
        pixels = self.image_size[0] * self.image_size[1]
        self.places.build((1, pixels, NUM_POSITION_FEATURES))
        self.map_attention.build((None, pixels, self.filters), words)
        self.built = True

    def call(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes all sentences."""
        # The first place is the vector's: it is there in sentences without words, too.
        known = tf.pad(inputs > 0, [[0, 0], [1, 0]], constant_values=True)
        known = known[:, tf.newaxis]
        words = tf.pad(self.words(inputs), [[0, 0], [1, 0], [0, 0]])
        words += tf.cast(self.order, words.dtype)
        for index, attention in enumerate(self.attentions):
            normed = self.norms[2 * index](words)
            words += attention(normed, normed, attention_mask=known)
            normed = self.norms[2 * index + 1](words)
            words += self.outputs[index](self.hidden[index](normed))
        words = self.norms[-1](words)
        return {"caption": words[:, 0], "caption_map": self._map(words, known)}

    def _map(self, words: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        """Lets each pixel attend over the words: (batch, height, width, filters)."""
        places = position_features(self.image_size)
        places = np.reshape(places, (1, -1, NUM_POSITION_FEATURES))
        places = self.places(tf.constant(places, words.dtype))
        places = tf.repeat(places, tf.shape(words)[0], axis=0)
        pixels = self.map_attention(places, words, attention_mask=known)
        return tf.reshape(pixels, [-1, *self.image_size, self.filters])

    def multiply_adds(self) -> int:
        """Counts the multiply-adds of one sentence; the layer must be built."""
        words, pixels = self.order.shape[0], self.image_size[0] * self.image_size[1]
        inner = _NUM_HEADS * _head_size(self.filters)
        dense = words * self.filters * 2 * 2 * self.filters
        within = 4 * words * self.filters * inner + 2 * words * words * inner
        across = (
            2 * (words + pixels) * self.filters * inner + 2 * words * pixels * inner
        )
        places = pixels * NUM_POSITION_FEATURES * self.filters
        return _NUM_LAYERS * (dense + within) + across + places

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "vocabulary_size": self.vocabulary_size,
            "filters": self.filters,
        }


def _head_size(filters: int) -> int:
    return max(filters // _NUM_HEADS, 1)


def _attention(filters: int, name: Any, options: dict[str, Any]) -> Any:
    # A bias of the keys would change nothing, and have no gradient.
    return keras.layers.MultiHeadAttention(
        _NUM_HEADS,
        _head_size(filters),
        use_bias=False,
        name=f"attention_{name}",
        **options,
    )
