"""Bits per dimension, the unit of likelihood in the literature, and how it is shown."""

import math
from collections.abc import Mapping
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

    _direction = "down"  # read by Keras's callbacks: less is better

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


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras's progress bar, without a loss that equals the model's metric."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Shows the numbers after a step of `fit`."""
        super().on_train_batch_end(batch, _without_twice(logs))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Shows the numbers after a step of `evaluate`."""
        super().on_test_batch_end(batch, _without_twice(logs))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Shows the numbers of an epoch."""
        super().on_epoch_end(epoch, _without_twice(logs))

    def on_test_end(self, logs: Any = None) -> None:
        """Shows the numbers of a data set."""
        super().on_test_end(_without_twice(logs))


def _without_twice(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Removes a loss that equals a metric in the logs, up to the last digits."""
    logs = dict(logs or {})
    for name in ("loss", "val_loss"):
        prefix = name.removesuffix("loss")
        others = [
            value
            for other, value in logs.items()
            if other != name and other.startswith("val_") == bool(prefix)
        ]
        if name in logs and any(
            math.isclose(logs[name], value, rel_tol=1e-4) for value in others
        ):
            del logs[name]
    return logs


def prepare_callbacks(
    callbacks: Any, metric: keras.metrics.Metric | None, verbose: Any
) -> Any:
    """Sets `mode="min"` of callbacks that monitor the model's metric.

    Args:
        callbacks: as `keras.Model.fit` takes them.
        metric: the model's, of which less is better. None: it has none.
        verbose: as `keras.Model.fit` takes it.

    Returns:
        The callbacks; with a progress bar, where one is shown.
    """
    if metric is None:
        return callbacks
    is_list = isinstance(callbacks, keras.callbacks.CallbackList)
    each = callbacks.callbacks if is_list else keras.tree.flatten(callbacks or [])
    for callback in each:
        monitor = str(getattr(callback, "monitor", "")).removeprefix("val_")
        if monitor == metric.name and getattr(callback, "mode", "") == "auto":
            callback.mode = "min"
    # To a `CallbackList` Keras adds nothing, so neither is a progress bar put there.
    if is_list:
        return callbacks
    return each if verbose == 0 else [*each, ProgressBar()]
