"""GatedActivation: tanh times sigmoid."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.layers import color_groups as groups


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedActivation(keras.layers.Layer):
    """y = tanh(a) * sigmoid(b), where a and b are two halves of the input.

    Each colour group is halved for itself, so that the gate never carries a feature
    into another group.

    Args:
        color_groups: number of colour channels whose order is kept. Default 1.

    Call arguments:
        inputs: float tensor (..., features), features a multiple of twice the groups.
        conditioning: None, or a float tensor that is added to both halves before the
            gate, of a shape that broadcasts to the input's.

    Returns:
        Float tensor (..., features / 2), values in (-1, 1).

    Raises:
        ValueError: when the groups cannot be halved.

    References:
        van den Oord et al. 2016, arXiv 1606.05328, equations 2 and 4.
    """

    def __init__(self, color_groups: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.color_groups = color_groups

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Checks that every group has two halves."""
        groups.check_divisible(
            input_shape[-1], 2 * self.color_groups, "input features (before a gate)"
        )
        self.built = True

    def call(
        self, inputs: tf.Tensor, conditioning: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Applies the gate."""
        if conditioning is not None:
            inputs += conditioning
        return gate(inputs, self.color_groups)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "color_groups": self.color_groups}


def gate(inputs: tf.Tensor, color_groups: int = 1) -> tf.Tensor:
    """The gate as a function: (..., features) to (..., features / 2)."""
    if color_groups == 1:
        content, opening = tf.split(inputs, 2, axis=-1)
        return tf.tanh(content) * tf.sigmoid(opening)
    features = inputs.shape[-1]
    leading = tf.shape(inputs)[:-1]
    halves = tf.reshape(
        inputs,
        tf.concat([leading, [color_groups, 2, features // color_groups // 2]], axis=0),
    )
    content, opening = tf.unstack(halves, axis=-2)
    gated = tf.tanh(content) * tf.sigmoid(opening)
    outputs = tf.reshape(gated, tf.concat([leading, [features // 2]], axis=0))
    return tf.ensure_shape(outputs, [*inputs.shape[:-1], features // 2])
