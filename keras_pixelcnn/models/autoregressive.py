"""AutoregressiveImageModel: what all exact-likelihood image models here share."""

import functools
import inspect
import math
import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.image_checks import check_images
from keras_pixelcnn.likelihoods import Categorical
from keras_pixelcnn.metrics import BitsPerDim, bits_per_dim
from keras_pixelcnn.models import arguments
from keras_pixelcnn.samplers import (
    ScanSteps,
    ancestral_scan,
    example_uniforms,
    raster_scan,
)

SAMPLERS = ("incremental", "ancestral")


class AutoregressiveImageModel(keras.Model):
    """p(x) as the product of every channel of every pixel, given those before it.

    A subclass wires a functional graph from its named inputs, of which "image" is
    always one, to the parameters of the likelihood, and passes it on. Training needs
    no loss of the user's: it is the mean bits/dim. A subclass that can also be run
    step by step overrides `scan_steps`; others are sampled by whole passes.

    Args:
        inputs: dict of Keras inputs by name.
        outputs: the parameters, (batch, height, width, channels, n).
        image_shape: (height, width, channels).
        likelihood: what the parameters mean.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images (batch, height, width, channels) of integers in
            [0, num_levels), or a dict with them as "image". Other entries of the dict
            than the model's inputs are left aside.
        training: whether dropout is on.

    Returns:
        The likelihood's parameters, float32 (batch, height, width, channels, n).
    """

    def __init__(
        self,
        *,
        inputs: dict[str, Any],
        outputs: Any,
        image_shape: tuple[int, int, int],
        likelihood: Categorical,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.image_shape = image_shape
        self.num_levels = likelihood.num_levels
        self.likelihood = likelihood.name
        self._likelihood = likelihood
        self._bits_per_dim = BitsPerDim(num_dims=self.num_dims)

    @property
    def num_dims(self) -> int:
        """Number of dimensions of an image: height x width x channels."""
        return math.prod(self.image_shape)

    def scan_steps(self) -> ScanSteps | None:
        """The model step by step with the weights as they stand, None if it cannot."""
        return None

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs the whole pass; see the class."""
        return super().__call__(self._select_features(inputs), *args, **kwargs)

    def _select_features(self, inputs: Any) -> dict[str, Any]:
        if not isinstance(inputs, Mapping):
            inputs = {"image": inputs}
        missing = [name for name in self.input if name not in inputs]
        if missing:
            raise ValueError(
                f"The model needs the inputs {list(self.input)}. Received: "
                f"{list(inputs)}, without {missing}"
            )
        features = {name: inputs[name] for name in self.input}
        if self.image_shape[-1] == 1:
            features["image"] = self._with_channel(features["image"])
        return features

    def _with_channel(self, image: Any) -> Any:
        """Gives grey images their channel axis where data sets leave it out."""
        rank = tf.TensorShape(image.shape).rank
        if rank is None:  # Keras retraces a step that saw both ranks without any
            return tf.reshape(image, [-1, *self.image_shape])
        return keras.ops.expand_dims(image, -1) if rank == 3 else image

    # Training.

    def compile(self, optimizer: Any = "adam", **kwargs: Any) -> None:
        """Configures training; the loss is the model's own, the mean bits/dim.

        Args:
            optimizer: as for `keras.Model.compile`. Default "adam".
            **kwargs: as for `keras.Model.compile`, except loss and metrics.

        Raises:
            ValueError: when a loss or metrics are passed.
        """
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"{name} must be left out: the model trains on its own likelihood "
                    "and shows it as bits_per_dim. "
                    f"Received: {name}={kwargs[name]!r}"
                )
        super().compile(optimizer=optimizer, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as the saved model was (a hook of Keras's loading)."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Args:
            x: images, a dict with them as "image" (other entries than the model's
                inputs are left aside), or a `tf.data.Dataset` or generator of batches
                of either or of (image, label) pairs.
            y: labels, which stand for a "label" in the dict.
            batch_size: images in a batch, for arrays. Default 32.
            epochs: number of passes over the data. Default 1.
            **kwargs: as for `keras.Model.fit`, except weights of examples or classes.

        Returns:
            A history of "loss" and "bits_per_dim", both in bits per dimension.

        Raises:
            ValueError: before training, when arrays hold anything but integers in
                [0, num_levels); the error names the value.
        """
        _refuse_weights(kwargs.get("sample_weight"), kwargs.get("class_weight"))
        self._check_arrays(x)
        validation_data = kwargs.get("validation_data")
        if isinstance(validation_data, tuple | list):
            self._check_arrays(validation_data[0])
        else:
            self._check_arrays(validation_data)
            kwargs["validation_data"] = _as_batches(validation_data)
        if not _is_array(x):
            # Keras would warn that its own default does not apply.
            kwargs.setdefault("shuffle", False)
        return super().fit(_as_batches(x), y, batch_size, epochs, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Scores as `keras.Model.evaluate` does, exactly over all images.

        Takes what `fit` takes, and raises as it does.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` has checked it
            self._check_arrays(x)
        return super().evaluate(_as_batches(x), y, *args, **kwargs)

    def _check_arrays(self, x: Any) -> None:
        if _is_array(x):
            self._check_images(x["image"] if isinstance(x, Mapping) else x)

    def _check_images(self, image: Any) -> np.ndarray:
        return check_images(image, self.num_levels, image_shape=self.image_shape)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The mean bits/dim of a batch (a hook of Keras's training)."""
        _refuse_weights(sample_weight)
        log_prob = self._image_log_prob(y_pred, self._select_features(x)["image"])
        self._bits_per_dim.update_state(log_prob)
        loss = bits_per_dim(tf.reduce_mean(log_prob), self.num_dims)
        # Replicas add their gradients up: each counts for its share of the batch.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.add_n([loss, *self.losses]) / replicas

    # Likelihood.

    def _image_log_prob(self, parameters: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        nats = self._likelihood.log_prob(parameters, image)
        return tf.reduce_sum(nats, axis=[1, 2, 3])

    def _score(self, image: tf.Tensor) -> tf.Tensor:
        return self._image_log_prob(self(image, training=False), image)

    @functools.cached_property
    def _compiled_score(self) -> Any:
        images = tf.TensorSpec([None, *self.image_shape], tf.int32)
        return tf.function(self._score, input_signature=[images], autograph=False)

    def log_prob(self, image: Any, batch_size: int = 128) -> tf.Tensor:
        """The exact log probability of each image.

        Inside a `tf.function` the images are scored in one pass and not checked;
        values out of the range then get -inf.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass; bounds the memory. Default 128.

        Returns:
            float32 tensor (batch,), in nats. `keras_pixelcnn.bits_per_dim` converts.

        Raises:
            ValueError: when the images are not as said.
        """
        if not tf.executing_eagerly():
            return self._score(image)
        images = self._check_images(image).astype("int32")
        if batch_size < 1:
            raise ValueError(
                f"batch_size must be at least 1. Received: batch_size={batch_size}"
            )
        starts = range(0, len(images), batch_size)
        scores = [self._compiled_score(images[i : i + batch_size]) for i in starts]
        return tf.concat([*scores, tf.zeros([0])], axis=0)

    def distribution(self) -> Any:
        """The model as a TensorFlow Probability distribution.

        Returns:
            A `PixelCNNDistribution` with event shape (height, width, channels).
        """
        from keras_pixelcnn.distributions import PixelCNNDistribution

        return PixelCNNDistribution(self)

    # Sampling.

    def sample(
        self,
        num_samples: int = 1,
        seed: Any = None,
        temperature: Any = 1.0,
        sampler: str | None = None,
    ) -> tf.Tensor:
        """Draws images, one channel of one pixel after the other.

        The same seed gives the same image, whatever the batch around it. (Logits may
        differ in the last digits between batch sizes or devices: a draw that falls on
        the very edge between two levels may then flip.)

        Args:
            num_samples: number of images. Default 1.
            seed: one integer for the call, or one per image, (num_samples,), any
                int64. Default: drawn from Python's `random`.
            temperature: divides the logits; a number above 0, or one per image.
            sampler: "incremental" computes every activation once; "ancestral" runs
                the whole network for every channel of every pixel. Default: the
                first where the model has steps.

        Returns:
            Integers in [0, num_levels), (num_samples, height, width, channels), uint8
            where they fit, else int32.

        Raises:
            ValueError: when an argument is out of its range.
        """
        num_samples = arguments.prepare_num_samples(num_samples)
        seeds = arguments.prepare_seeds(seed, num_samples)
        temperature = arguments.prepare_temperature(temperature, num_samples)
        if sampler not in (None, *SAMPLERS):
            raise ValueError(
                f"sampler must be one of {SAMPLERS}. Received: sampler={sampler!r}"
            )
        if not tf.executing_eagerly():
            return self._draw(seeds, temperature, sampler)
        if num_samples == 0:  # some kernels refuse an empty batch
            return tf.zeros([0, *self.image_shape], self._sample_dtype)
        return self._compiled_draw[sampler](seeds, temperature)

    @property
    def _sample_dtype(self) -> tf.DType:
        return tf.uint8 if self.num_levels <= 256 else tf.int32

    @functools.cached_property
    def _compiled_draw(self) -> Any:
        examples = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.float32)]
        return {
            sampler: tf.function(
                functools.partial(self._draw, sampler=sampler),
                input_signature=examples,
                autograph=False,
            )
            for sampler in (None, *SAMPLERS)
        }

    def _draw(
        self, seeds: tf.Tensor, temperature: tf.Tensor, sampler: str | None
    ) -> tf.Tensor:
        steps = None if sampler == "ancestral" else self.scan_steps()
        if steps is None and sampler == "incremental":
            raise ValueError(
                f"{type(self).__name__} cannot be run step by step. Use "
                'sampler="ancestral", which is slower.'
            )
        uniforms = example_uniforms(seeds, self.image_shape)
        positions = tf.transpose(uniforms, [1, 2, 3, 0])

        def draw(
            row: tf.Tensor, column: tf.Tensor, channel: int, parameters: tf.Tensor
        ) -> tf.Tensor:
            noise = positions[row, column, channel]
            return self._likelihood.sample(parameters, noise, temperature)

        # Loops ask that shapes known before them stay known inside.
        batch_size = seeds.shape[0]
        if batch_size is None:
            batch_size = tf.shape(seeds)[0]
        if steps is None:
            whole = functools.partial(self, training=False)
            images = ancestral_scan(whole, draw, self.image_shape, batch_size)
        else:
            images = raster_scan(steps, draw, self.image_shape, batch_size)
        return tf.cast(images, self._sample_dtype)

    # Export.

    def export(self, filepath: str | os.PathLike[str], **kwargs: Any) -> None:
        """Writes a SavedModel that TF Serving runs as it is.

        Args:
            filepath: a directory that does not exist, for TF Serving
                `<base>/<version number>`. It appears whole or not at all.
            **kwargs: `verbose`, default True.

        Raises:
            FileExistsError: when something stands there.
        """
        from keras_pixelcnn.export import export_saved_model

        export_saved_model(self, filepath, **kwargs)


def _is_array(x: Any) -> bool:
    """Whether `fit` gets images in memory, by themselves or in a dict."""
    image = x.get("image") if isinstance(x, Mapping) else x
    return isinstance(image, np.ndarray) or tf.is_tensor(image)


def _as_batches(x: Any) -> Any:
    """Wraps what a generator yields the way Keras asks for."""
    if not inspect.isgenerator(x):
        return x
    return (batch if isinstance(batch, tuple) else (batch,) for batch in x)


def _refuse_weights(*weights: Any) -> None:
    if any(weight is not None for weight in weights):
        raise ValueError(
            "sample_weight and class_weight are not supported: all images count alike "
            "in the likelihood. Repeat or leave out images in the data."
        )
