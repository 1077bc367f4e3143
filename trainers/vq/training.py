"""Trains a VQ-VAE, and goes on where it was."""

import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.files import replace_when_written
from keras_pixelcnn.training import CheckpointStore, ImagesInMemory, Preemption
from keras_pixelcnn.training.variable_snapshot import TrainingState
from trainers.vq.vq_vae import VQVAE

_MODEL, _CHECKPOINTS = "vq_vae.keras", "vq_vae_checkpoints"


def train_vq_vae(
    config: Mapping[str, Any],
    num_levels: int,
    train: np.ndarray,
    validation: np.ndarray,
    folder: pathlib.Path,
    preemption: Preemption,
) -> VQVAE | None:
    """Trains a VQ-VAE, or reads the one that was trained here.

    Checkpoints are written at the ends of epochs, and when the run is asked to stop.

    Args:
        config: with the fields of `trainers.configs.vq_prior_fashion_mnist`.
        num_levels: of the images.
        train: integers (images, height, width, channels).
        validation: the same; told of after each epoch.
        folder: for `vq_vae.keras` and its checkpoints.
        preemption: what hears that the run shall stop.

    Returns:
        The auto-encoder; None when the run was asked to stop.

    Raises:
        ValueError: when an argument of the auto-encoder cannot be, the checkpoints are
            another model's, or `vq_vae.keras` is damaged.
        keras_pixelcnn.callbacks.NonFiniteLossError: when training diverges. The last
            checkpoint before that stays.
    """
    path = folder / _MODEL
    if path.exists():
        return _read(path)
    fields = dict(config["vq_vae"])
    epochs, batch_size = fields.pop("epochs"), fields.pop("batch_size")
    rate = fields.pop("learning_rate")
    images = ImagesInMemory(
        {"image": train}, batch_size=batch_size, seed=config["seed"]
    )
    model = VQVAE(train.shape[1:], num_levels, seed=config["seed"], **fields)
    step = _Step(model, rate, float(model.scaled(train).numpy().var()))
    store = CheckpointStore(folder / _CHECKPOINTS)
    done = step.restore(store)
    with preemption.deferred():
        while done < epochs * images.steps_per_epoch:
            epoch, first = divmod(done, images.steps_per_epoch)
            for batch in images.batches(epoch, first):
                result = step(batch["image"])
                done += 1
                _check_finite(result, done, images.steps_per_epoch, rate)
                if preemption.asked:
                    break
            step.check_weights(done)
            store.save(done, step.state.to_arrays(), {})
            if preemption.asked:
                print(f"Stopped by SIGTERM after step {done}, which is saved.")
                return None
            print(_line(epoch + 1, epochs, model, validation), flush=True)
    with replace_when_written(path) as part:
        model.save(part)
    return model


def _read(path: pathlib.Path) -> VQVAE:
    try:
        return keras.models.load_model(path)
    except Exception as error:  # whatever the first damaged part raises
        raise ValueError(
            f"{path} must hold the auto-encoder of this run, and is damaged: {error}. "
            "Remove it: the same command goes on from its checkpoints."
        ) from error


class _Result(NamedTuple):
    """What one step did: its loss, and the norm of the gradient."""

    loss: float
    gradient_norm: float


def _check_finite(
    result: _Result, step: int, steps_per_epoch: int, rate: float
) -> None:
    if np.isfinite(result).all():
        return
    epoch, batch = divmod(step - 1, steps_per_epoch)
    raise NonFiniteLossError(
        "The VQ-VAE's loss and its gradient must be finite. The loss is "
        f"{result.loss:.4g} and the gradient's norm {result.gradient_norm:.4g} at step "
        f"{step}, batch {batch + 1} of epoch {epoch + 1}. Lower the learning rate "
        f"(config.vq_vae.learning_rate, here {rate:.3g}) or look for what is unusual "
        "in the data. Nothing of this step was saved."
    )


class _Step:
    """One step after the other."""

    def __init__(self, model: VQVAE, learning_rate: float, variance: float) -> None:
        self._model = model
        self._variance = max(variance, 1e-6)
        self._weights = model.trainable_variables
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._optimizer.build(self._weights)
        self.state = TrainingState(
            {"model": model.variables, "optimizer": self._optimizer.variables}
        )
        self._compiled = tf.function(self._take, autograph=False)

    def restore(self, store: CheckpointStore) -> int:
        """Goes back to the last checkpoint. Returns how many steps were taken."""
        saved = store.latest()
        if saved is None:
            store.check_empty()
            return 0
        self.state.restore(saved.arrays)
        return saved.step

    def check_weights(self, step: int) -> None:
        """Refuses what a step made that was finite itself, before it is saved.

        Args:
            step: the number of steps that were taken.

        Raises:
            NonFiniteLossError: when a weight or a vector of the codebook is not finite.
        """
        for variable in self._model.variables:
            if not np.isfinite(variable.numpy()).all():
                raise NonFiniteLossError(
                    "The VQ-VAE's weights must be finite. Those of "
                    f"{variable.path} are not after step {step}. Lower the learning "
                    "rate, config.vq_vae.learning_rate. Nothing of this epoch was "
                    "saved."
                )

    def __call__(self, images: np.ndarray) -> _Result:
        loss, norm = self._compiled(tf.constant(images))
        return _Result(float(loss), float(norm))

    def _take(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            error = self._model(images, training=True) - self._model.scaled(images)
            loss = tf.reduce_mean(tf.square(error)) / self._variance
            loss = tf.add_n([loss, *self._model.losses])
        gradients = tape.gradient(loss, self._weights)
        self._optimizer.apply(gradients, self._weights)
        return loss, tf.linalg.global_norm(gradients)


def _line(epoch: int, epochs: int, model: VQVAE, images: np.ndarray) -> str:
    report = describe(model, images)
    return (
        f"VQ-VAE, epoch {epoch} of {epochs}: squared error "
        f"{report['squared_error']:.5f}, perplexity {report['perplexity']:.0f}, "
        f"{report['codes_used']} codes used"
    )


def describe(model: VQVAE, images: np.ndarray) -> dict[str, Any]:
    """How well images come back, and how much of the codebook they use.

    Args:
        model: the auto-encoder.
        images: integers (batch, height, width, channels).

    Returns:
        "squared_error", the mean over all values, from 0 to 1; "perplexity" of the
        codes, 2 to the entropy in bits; "codes_used".
    """
    codes = model.encode(images)
    anew = model.decode(codes)
    shares = np.bincount(codes.ravel(), minlength=1) / codes.size
    shares = shares[shares > 0]
    error = (anew - images.astype("float64")) / (model.num_levels - 1)
    return {
        "squared_error": float(np.mean(error**2)),
        "perplexity": float(2 ** -np.sum(shares * np.log2(shares))),
        "codes_used": len(shares),
    }
