"""Labels of tfds datasets: integers, or texts that are numbered."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf


class TfdsLabels:
    """Reads the labels of a dataset as integers.

    Args:
        path: of their feature, with slashes where it is inside of others.
        kind: "integer", "text", or None where there are none.
    """

    def __init__(self, path: str, kind: str | None) -> None:
        self._parts = path.split("/")
        self._kind = kind
        self._texts: np.ndarray | None = None

    @classmethod
    def find(cls, name: str, builder: Any, label_feature: str | None) -> "TfdsLabels":
        """Finds the labels of a dataset, which need not be prepared.

        Args:
            name: what the caller named the dataset.
            builder: a `tfds.core.DatasetBuilder`.
            label_feature: their feature; None for "label" if it is an integer, or none.

        Raises:
            ValueError: if the feature that was asked for is missing, or neither an
                integer nor a text.
        """
        features = builder.info.features
        if label_feature is None:
            kind = _kind(features, "label")
            return cls("label", kind if kind == "integer" else None)
        kind = _kind(features, label_feature)
        if kind is None:
            raise ValueError(
                f"`label_feature` must be a feature of {name!r} that holds one integer "
                "or text, with slashes where it is inside of others. There are "
                f"{', '.join(map(repr, features))}, received {label_feature!r}."
            )
        return cls(label_feature, kind)

    @property
    def wanted(self) -> dict[str, Any]:
        """Features to decode, as `tfds.decode.PartialDecoding` takes them."""
        if self._kind is None:
            return {}
        wanted: Any = True
        for part in reversed(self._parts):
            wanted = {part: wanted}
        return wanted

    def read_texts(self, builder: Any) -> None:
        """Reads all labels once, over all splits, if they are texts.

        Args:
            builder: prepared.
        """
        import tensorflow_datasets as tfds

        if self._kind != "text":
            return
        examples = builder.as_dataset(
            split="all",
            decoders=tfds.decode.PartialDecoding(self.wanted),
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        texts = {self._value(example) for example in examples.as_numpy_iterator()}
        self._texts = np.array(sorted(texts), object)

    def of(self, example: Mapping[str, Any]) -> tf.Tensor:
        """Returns the label of an example: int64 scalar, -1 where there is none."""
        if self._kind is None:
            return tf.constant(-1, tf.int64)
        value = self._value(example)
        if self._kind == "integer":
            return tf.cast(value, tf.int64)
        return tf.argmax(tf.constant(self._texts, tf.string) == value)

    def _value(self, example: Mapping[str, Any]) -> Any:
        for part in self._parts:
            example = example[part]
        return example


def _kind(features: Any, path: str) -> str | None:
    """Says "integer" or "text"; None where there is no such feature, or another."""
    for part in path.split("/"):
        if not hasattr(features, "keys") or part not in features:
            return None
        features = features[part]
    if hasattr(features, "keys") or features.shape != ():
        return None
    if np.issubdtype(features.np_dtype, np.integer):
        return "integer"
    return "text" if features.dtype == tf.string else None
