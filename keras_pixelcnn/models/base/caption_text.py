"""Sentences as a model takes them: the numbers of their words."""

import functools
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import check_integer

_LAYER = "text_vectorization"
"""The key of a layer's config, in place of a vocabulary."""

_SPECIAL = ["", "[UNK]"]
"""What stands for the padding, 0, and for words that are not known, 1."""


def is_text(value: Any) -> bool:
    """Tells whether a value is a sentence or an array of sentences."""
    if tf.is_tensor(value):
        return value.dtype == tf.string
    values = np.asarray(value)
    return values.dtype.kind in "US" or (
        values.dtype.kind == "O"
        and values.size > 0
        and isinstance(values.flat[0], str | bytes)
    )


class CaptionText:
    """The words that a model knows, and how many of them a sentence may have.

    Case and punctuation do not count, unless a layer of Keras says what does.

    Args:
        vocabulary: the words, or what `TextVectorization.get_vocabulary()` returns:
            "", "[UNK]" and the words. Then "[UNK]" stands for words that are not among
            them, which are refused otherwise. Or the `TextVectorization` itself,
            adapted and of output_mode="int", or what `vocabulary` is then: sentences
            become words as it makes them.
        length: the most words of a sentence.

    Attributes:
        vocabulary: as passed, a list; of a layer a dict of its config, which holds the
            words.
        length: as passed.
        words: the padding, what unknown words are, and the words; their places are
            their numbers.
        num_ids: how many numbers a word can have: 0 is the padding, 1 an unknown word.
        least_id: the least of a word, 1 where unknown words have a meaning, else 2.
        is_plain: whether words are what whitespace parts, without case and punctuation.

    Raises:
        ValueError: when an argument is not as said.
    """

    def __init__(
        self,
        vocabulary: Iterable[str] | keras.layers.TextVectorization | dict[str, Any],
        length: int,
    ) -> None:
        layer = _layer_config(vocabulary)
        if layer is not None:
            vocabulary = [*_SPECIAL, *layer["vocabulary"]]
        if isinstance(vocabulary, str) or not isinstance(vocabulary, Iterable):
            vocabulary = []
        self.vocabulary: Any = list(vocabulary)
        knows_unknown = self.vocabulary[:2] == _SPECIAL
        words = self.vocabulary[2:] if knows_unknown else self.vocabulary
        are_words = all(isinstance(word, str) and word for word in words)
        if not words or not are_words or len(set(words)) < len(words):
            raise ValueError(
                "vocabulary must be a list of different words, or what a "
                "TextVectorization's get_vocabulary() returns. "
                f"Received: vocabulary={vocabulary!r}"
            )
        check_integer("caption_length", length)
        words = [str(word) for word in words]
        self.vocabulary = [*_SPECIAL, *words] if knows_unknown else words
        self.length = int(length)
        self.num_ids = len(words) + len(_SPECIAL)
        self.least_id = 1 if knows_unknown else 2
        self.words = [*_SPECIAL, *words]
        self._layer = layer
        self.is_plain = layer is None
        if layer is not None:
            self.vocabulary = {_LAYER: layer}

    @functools.cached_property
    def vectorization(self) -> keras.layers.TextVectorization:
        """Keras's layer that numbers the words of sentences."""
        # One place more than fits tells which sentences are too long.
        own = {"output_sequence_length": self.length + 1, "vocabulary": self.words[2:]}
        options = keras.saving.deserialize_keras_object(self._layer or {})
        with tf.init_scope():
            return keras.layers.TextVectorization(**{**options, **own})

    def ids(self, texts: Any) -> tf.Tensor:
        """Numbers the words of sentences.

        Args:
            texts: strings of any shape.

        Returns:
            int32 (*shape, length). All are -1 where a sentence has too many words.
        """
        texts = tf.convert_to_tensor(texts, tf.string)
        ids = self.vectorization(tf.reshape(texts, [-1]))
        ids = tf.cast(ids, tf.int32)
        ids = tf.where(ids[:, -1:] > 0, -1, ids[:, :-1])
        ids = tf.reshape(ids, tf.concat([tf.shape(texts), [self.length]], axis=0))
        return tf.ensure_shape(ids, [*texts.shape, self.length])

    def possible(self, ids: Any) -> Any:
        """Tells which numbers a word, or the padding, can have."""
        return (ids == 0) | ((ids >= self.least_id) & (ids < self.num_ids))

    @property
    def rule(self) -> str:
        """Says in words what a caption must be."""
        return (
            f"caption must hold sentences of at most {self.length} words that the "
            f"model knows, or their numbers: 0 after the last, and from "
            f"{self.least_id} to {self.num_ids - 1}."
        )


def _layer_config(vocabulary: Any) -> dict[str, Any] | None:
    """The config of a `TextVectorization`, with its words; None for what is none."""
    if isinstance(vocabulary, keras.layers.TextVectorization):
        config = keras.saving.serialize_keras_object(vocabulary)["config"]
        words = vocabulary.get_vocabulary(include_special_tokens=False)
        config["vocabulary"] = [str(word) for word in words]
    elif isinstance(vocabulary, dict) and isinstance(vocabulary.get(_LAYER), dict):
        config = vocabulary[_LAYER]
    else:
        return None
    given = {key: config.get(key) for key in ("output_mode", "ragged", "split")}
    is_list = isinstance(config.get("vocabulary"), list)
    if given["output_mode"] != "int" or given["ragged"] or not given["split"]:
        raise ValueError(
            "vocabulary must be a TextVectorization that splits sentences and numbers "
            'their words: output_mode="int", ragged=False and a split. '
            f"Received: one of {given}"
        )
    return {**config, "vocabulary": list(config["vocabulary"]) if is_list else []}
