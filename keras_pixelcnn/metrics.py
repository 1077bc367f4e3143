"""Bits per dimension, the unit of likelihood in the literature."""

import math
from typing import Any

import keras


def bits_per_dim(log_prob: Any, num_dims: int) -> Any:
    """Converts log probabilities of images to bits per dimension.

    Args:
        log_prob: log probabilities in nats, a number, an array or a tensor.
        num_dims: number of dimensions, height x width x channels.

    Returns:
        -log_prob / (num_dims ln 2), of the type and shape of `log_prob`.
    """
    return -log_prob / (num_dims * math.log(2.0))


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class BitsPerDim(keras.metrics.Mean):
    """Mean bits per dimension over all images seen since the last reset.

    Images count alike whatever batch they came in, so that the value over a whole
    data set is exact, with a last batch of any size.

    Args:
        num_dims: number of dimensions of an image, height x width x channels.
        name: default "bits_per_dim".

    Example:
        >>> metric = BitsPerDim(num_dims=64)
        >>> metric.update_state(model.log_prob(images))
        >>> float(metric.result())
    """

    def __init__(
        self, num_dims: int, name: str = "bits_per_dim", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.num_dims = num_dims

    def update_state(self, log_prob: Any) -> None:
        """Adds a batch of log probabilities, in nats, (batch,)."""
        super().update_state(bits_per_dim(log_prob, self.num_dims))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_dims": self.num_dims}
