"""OwnLossModel: a Keras model that brings its loss along."""

from typing import Any, ClassVar

import keras

from keras_pixelcnn.models.base import distributed_fit

_NOT_BUILT = {"is_optimizer_built": False}


class OwnLossModel(keras.Model):
    """A model whose loss is no argument of `compile`, but `compute_loss`.

    A subclass says in words what it trains on, as `own_loss`.
    """

    own_loss: ClassVar[str]

    def compile(self, optimizer: Any = "adam", **kwargs: Any) -> None:
        """Configures training; the loss is the model's own.

        Args:
            optimizer: as for `keras.Model.compile`. Default "adam".
            **kwargs: as for `keras.Model.compile`, except loss and metrics.

        Raises:
            ValueError: when a loss or metrics are passed, or, under a strategy of
                several devices, what does not work there.
        """
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"{name} must be left out: the model trains on {self.own_loss}. "
                    f"Received: {name}={kwargs[name]!r}"
                )
        distributed_fit.check_compile(self, {"optimizer": optimizer, **kwargs})
        super().compile(optimizer=optimizer, **kwargs)
        self._scales_loss = kwargs.get("auto_scale_loss", True)

    def get_compile_config(self) -> dict[str, Any]:
        """How the model was compiled (a hook of Keras's saving).

        With what Keras leaves out, and needs to read the optimizer's variables again.
        """
        if not self.compiled:
            return {}
        config = {**super().get_compile_config(), "auto_scale_loss": self._scales_loss}
        # Said of these alone: Keras's clones do not know the word.
        return config if self.optimizer.built else {**config, **_NOT_BUILT}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as the saved model was (a hook of Keras's loading)."""
        config = dict(keras.saving.deserialize_keras_object(config))
        is_optimizer_built = config.pop("is_optimizer_built", True)
        self.compile(**config)
        if is_optimizer_built:
            self.optimizer.build(self.trainable_variables)

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        """Builds the optimizer: all other variables are there (a hook of Keras).

        On several devices Keras would look at the mean of their parts of a batch, which
        fails where those differ in size.
        """
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
